/** What the control groups of one farm are called. A farm is all gateways that share a store; its secret never leaves them. */
export interface GroupNames {
  /** Stands above all groups of the farm, so that gateways of another farm on the same machine never touch them. */
  readonly farm: string
  /**
   * The build group of a trust domain. The engine's build cache keeps RUN layers apart by group (buildkit.md 2, escape 6), so nobody
   * outside the farm can tell another domain's name.
   */
  ofDomain(domain: string): Promise<string>
  /** What the caches of those who share them are told apart by, as unguessable as the above. */
  ofCaches(sharers: string): Promise<string>
}

/** Hex digits in which no two names of a farm meet by chance. */
const [farmDigits, tokenDigits] = [12, 24]

/** Derives names from the farm's secret (HMAC-SHA-256). A namespace's own group is called by its token, which is unguessable itself. */
export async function groupNames(secret: string): Promise<GroupNames> {
  const encoder = new TextEncoder()
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const derived = async (text: string, digits: number) => hex(await crypto.subtle.sign('HMAC', key, encoder.encode(text))).slice(0, digits)
  return {
    farm: await derived('farm', farmDigits),
    ofDomain: async (domain) => `b${await derived(`domain ${domain}`, tokenDigits)}`,
    ofCaches: (sharers) => derived(`caches ${sharers}`, tokenDigits),
  }
}

/** Bytes as lower-case hex digits. */
export function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
