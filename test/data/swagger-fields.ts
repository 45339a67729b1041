/** The fields of request bodies as an API definition in Swagger 2 lists them. Names and types only. */

/** By path: `HostConfig.Mounts[].Type`, `EndpointsConfig{}.Aliases`. */
export type Fields = Map<string, string>

type Node = Record<string, any>

/** The body of `POST path`, field by field; empty when this version has no such endpoint or body. */
export function bodyFields(api: Node, path: string): Fields {
  const body = parameters(api, path).find((parameter) => parameter.in === 'body')
  const fields: Fields = new Map()
  if (body !== undefined) collect(api, body.schema, '', fields, [])
  return fields
}

/** The query parameters of `POST path`. */
export function queryFields(api: Node, path: string): Fields {
  const query = parameters(api, path).filter((parameter) => parameter.in === 'query')
  return new Map(query.map((parameter) => [parameter.name, typeName(parameter)]))
}

function parameters(api: Node, path: string): Node[] {
  return api.paths[path]?.post?.parameters ?? []
}

function collect(api: Node, schema: Node, at: string, fields: Fields, seen: readonly string[]): void {
  const reference: string | undefined = schema.$ref
  if (reference !== undefined) {
    if (seen.includes(reference)) return
    return collect(api, api.definitions[reference.replace('#/definitions/', '')], at, fields, [...seen, reference])
  }
  for (const part of schema.allOf ?? []) collect(api, part, at, fields, seen)
  for (const [name, property] of Object.entries<Node>(schema.properties ?? {})) {
    // A slip of the definition: it means the values of a map.
    if (name === 'additionalProperties') continue
    const path = at === '' ? name : `${at}.${name}`
    fields.set(path, typeName(resolved(api, property)))
    collect(api, property, path, fields, seen)
  }
  if (schema.items !== undefined) collect(api, schema.items, `${at}[]`, fields, seen)
  if (typeof schema.additionalProperties === 'object') collect(api, schema.additionalProperties, `${at}{}`, fields, seen)
}

function resolved(api: Node, schema: Node): Node {
  return schema.$ref === undefined ? schema : api.definitions[schema.$ref.replace('#/definitions/', '')]
}

function typeName(schema: Node): string {
  return schema.format ?? schema.type ?? 'object'
}
