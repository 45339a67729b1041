import { fromBinary, toBinary, type DescField, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { codes, GrpcError } from '../grpc.ts'

/** Depth of messages inside messages, far beyond what BuildKit's clients send. */
const maxDepth = 64

/** Reads what a client sent. Throws a GrpcError for what is no such message, and for fields that the gateway does not know and cannot judge. */
export function readRequest<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  const message = decoded(schema, bytes, true)
  refuseUnknown(schema, message, 0)
  return message
}

/** Reads what the engine said. Fields that the gateway does not know are left out: they might name what is somebody else's. */
export function readAnswer<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  return decoded(schema, bytes, false)
}

export { toBinary as write }

function decoded<D extends DescMessage>(schema: D, bytes: Uint8Array, readUnknownFields: boolean): MessageShape<D> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields })
  } catch {
    throw new GrpcError(codes.invalidArgument, `malformed ${schema.name}`)
  }
}

function refuseUnknown(schema: DescMessage, message: any, depth: number): void {
  if (depth > maxDepth) throw new GrpcError(codes.invalidArgument, `${schema.name} is nested too deeply`)
  const [unknown] = message.$unknown ?? []
  if (unknown !== undefined) {
    throw new GrpcError(codes.permissionDenied, `field ${unknown.no} of ${schema.typeName} is not known to this gateway, so it cannot be allowed; use an older client or a newer gateway`)
  }
  for (const field of schema.fields) for (const inner of messagesIn(field, message)) refuseUnknown(field.message!, inner, depth + 1)
}

/** The messages in a field: none, one, or those of a list or map. */
function messagesIn(field: DescField, message: any): any[] {
  if (field.message === undefined) return []
  const value = valueOf(field, message)
  if (value === undefined) return []
  if (field.fieldKind === 'list') return value
  return field.fieldKind === 'map' ? Object.values(value) : [value]
}

function valueOf(field: DescField, message: any): any {
  if (field.oneof === undefined) return message[field.localName]
  const chosen = message[field.oneof.localName]
  return chosen.case === field.localName ? chosen.value : undefined
}

/**
 * Rewrites every string of a message in place, keys and values of maps included. `on` may take a message of a type over instead
 * (answering true); bytes stay as they are.
 */
export function rewriteStrings(schema: DescMessage, message: any, text: (value: string) => string, on: Readonly<Record<string, (message: any) => void>> = {}): void {
  const take = on[schema.typeName]
  if (take) return take(message)
  for (const field of schema.fields) {
    for (const inner of messagesIn(field, message)) rewriteStrings(field.message!, inner, text, on)
    const value = valueOf(field, message)
    if (value === undefined) continue
    const set = (changed: unknown) => { if (field.oneof) message[field.oneof.localName].value = changed; else message[field.localName] = changed }
    if (field.fieldKind === 'scalar' && typeof value === 'string') set(text(value))
    else if (field.fieldKind === 'list' && field.listKind === 'scalar') set(value.map((one: unknown) => typeof one === 'string' ? text(one) : one))
    else if (field.fieldKind === 'map') set(rewrittenMap(value, text))
  }
}

function rewrittenMap(map: Record<string, unknown>, text: (value: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [text(key), typeof value === 'string' ? text(value) : value]))
}
