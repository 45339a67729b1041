import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'

/** A tar of these files. */
export async function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mtime: new Date(0) }, Buffer.from(content as string))
  archive.finalize()
  return buffer(archive)
}

/** An image as `docker save` writes it, with one layer of one file, and its id. */
export async function imageArchive({ tags, content, labels = {} }: { tags: string[] | null; content: string; labels?: Record<string, string> }): Promise<{ tar: Buffer; id: string }> {
  const layer = await tarOf({ loot: content })
  const digest = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  const config = JSON.stringify({
    architecture: 'amd64', os: 'linux', created: '2020-01-01T00:00:00Z', config: { Labels: labels, Cmd: ['/loot'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest(layer)}`] }, history: [{ created: '2020-01-01T00:00:00Z', created_by: 'test' }],
  })
  const id = digest(config)
  const manifest = [{ Config: `${id}.json`, RepoTags: tags, Layers: ['layer.tar'] }]
  return { id: `sha256:${id}`, tar: await tarOf({ [`${id}.json`]: config, 'layer.tar': layer, 'manifest.json': JSON.stringify(manifest) }) }
}
