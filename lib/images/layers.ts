/**
 * Names of layers in a stack (OCI image-spec, config.md, Layer ChainID): what an engine reports as deleted beside the image.
 */

/** The chain ids of a stack of layers, bottom first. `diffIds`: the `RootFS.Layers` of an image. */
export async function chainIds(diffIds: readonly string[]): Promise<string[]> {
  const chain: string[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : await sha256(`${below} ${diffId}`))
  }
  return chain
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `sha256:${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** How many layers, from the bottom, a stack has in common with any of the others. */
export function sharedDepth(layers: readonly string[], others: readonly (readonly string[])[]): number {
  return others.reduce((deepest, other) => {
    let depth = 0
    while (depth < layers.length && layers[depth] === other[depth]) depth++
    return Math.max(deepest, depth)
  }, 0)
}

/** The layers that go when a stack is no longer used, top first, as an engine lists them (moby, layer store Release). */
export async function removedLayers(layers: readonly string[], kept: readonly (readonly string[])[]): Promise<string[]> {
  return (await chainIds(layers)).slice(sharedDepth(layers, kept)).reverse()
}
