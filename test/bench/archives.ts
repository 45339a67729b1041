import { createHash } from 'node:crypto'

/** A tar of those files (POSIX ustar), as the pieces it is made of. */
export function tarOf(files: Record<string, Buffer>): Buffer[] {
  return [...Object.entries(files).flatMap(([name, bytes]) => [header(name, bytes.length), bytes, Buffer.alloc((512 - bytes.length % 512) % 512)]), Buffer.alloc(1024)]
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  block.write(name)
  block.write('0000644\0' + '0000000\0'.repeat(2), 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write(`${'0'.repeat(11)}\0${' '.repeat(8)}0`, 136)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** What `docker save` writes of an image with one layer that holds one file with those bytes. */
export function imageArchive(reference: string, content: Buffer): Buffer[] {
  const layer = Buffer.concat(tarOf({ content }))
  const config = Buffer.from(JSON.stringify({
    architecture: 'amd64', os: 'linux', config: { Cmd: ['true'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
  }))
  const name = `${createHash('sha256').update(config).digest('hex')}.json`
  const manifest = Buffer.from(JSON.stringify([{ Config: name, RepoTags: [reference], Layers: ['layer/layer.tar'] }]))
  return tarOf({ [name]: config, 'layer/layer.tar': layer, 'manifest.json': manifest })
}
