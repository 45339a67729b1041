/** `00-<32 hex trace id>-<16 hex parent id>-<2 hex flags>`; all-zero ids are invalid (W3C Trace Context, section 3.2). */
const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * The `traceparent` of the gateway's own span in the caller's trace, for the engine's request: the caller's trace id and flags, a parent id of our
 * own. Undefined when the caller sent none or a malformed one; a gateway starts no traces.
 */
export function childTrace(header: string | undefined, randomHex: () => string): string | undefined {
  const [, version, trace, parent, flags, more] = traceparent.exec(header ?? '') ?? []
  const isValid = version !== undefined && version !== 'ff' && !/^0+$/.test(trace!) && !/^0+$/.test(parent!) && (version !== '00' || more === undefined)
  return isValid ? `00-${trace}-${randomHex().slice(0, 16)}-${flags}` : undefined
}
