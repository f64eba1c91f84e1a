// Writes client/operations.ts from the server's own description (/openapi.json): `node scripts/client-operations.ts`. A test
// fails while the two differ, so a new route comes with its typed call.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Description {
  paths: Record<string, Record<string, DescribedOperation>>
  components: { schemas: Record<string, Schema> }
}

interface DescribedOperation {
  operationId?: string
  summary?: string
  parameters?: { name?: string; in?: string; required?: boolean; schema?: Schema }[]
  requestBody?: { required?: boolean; content: Record<string, { schema?: Schema }> }
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>
}

interface Schema {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  description?: string
}

interface Named {
  id: string
  method: string
  path: string
  operation: DescribedOperation
}

/** The whole file. */
export function renderOperations({ paths, components }: Description): string {
  const named = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): Named => ({
        id: operation.operationId ?? '',
        method: method.toUpperCase(),
        path,
        operation,
      })),
    )
    .filter(({ id }) => id !== '')
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))
  const [streams, calls] = [named.filter(isStream), named.filter((one) => !isStream(one))]
  return [
    '// Made by `node scripts/client-operations.ts` from the description that the server gives of itself. Not to be edited.',
    '',
    ...Object.entries(components.schemas).flatMap(([name, schema]) => [`export type ${name} = ${typeOf(schema, '')}`, '']),
    '/** Each call of the API: what it takes, and what it answers. */',
    'export interface Operations {',
    ...calls.flatMap(renderOperation),
    '}',
    '',
    '/** Where each call goes. */',
    `export const routes: Readonly<Record<keyof Operations, string>> = {`,
    ...calls.map(({ id, method, path }) => `  ${id}: '${method} ${path}',`),
    '}',
    '',
    '/** What answers with a stream of events. */',
    'export const streams = {',
    ...streams.map(({ id, method, path }) => `  ${id}: '${method} ${path}',`),
    '} as const',
    '',
    '/** What the calls that begin a stream are asked. */',
    'export interface Streams {',
    ...streams.flatMap((one) => [`  ${one.id}: {`, ...inputOf(one.operation), '  }']),
    '}',
    '',
  ].join('\n')
}

function isStream({ operation }: Named): boolean {
  return Object.values(operation.responses).some(({ content }) => content?.['text/event-stream'] !== undefined)
}

function renderOperation({ id, operation }: Named): string[] {
  return [
    ...(operation.summary === undefined ? [] : [`  /** ${operation.summary}. */`]),
    `  ${id}: {`,
    '    input: {',
    ...inputOf(operation).map((line) => `  ${line}`),
    '    }',
    `    answer: ${answerOf(operation)}`,
    '  }',
  ]
}

function inputOf({ parameters = [], requestBody }: DescribedOperation): string[] {
  const group = (where: string, name: string): string[] => {
    const found = parameters.filter((one) => one.in === where)
    if (found.length === 0) return []
    const optional = found.every(({ required }) => required !== true)
    const fields = found.map((one) => `      ${key(one.name ?? '')}${one.required ? '' : '?'}: ${typeOf(one.schema ?? {}, '      ')}`)
    return [`    ${name}${optional ? '?' : ''}: {`, ...fields, '    }']
  }
  const body = requestBody?.content['application/json']?.schema
  const isRequired = requestBody?.required === true
  return [
    ...group('path', 'path'),
    ...group('query', 'query'),
    ...(body === undefined ? [] : [`    body${isRequired ? '' : '?'}: ${typeOf(body, '    ')}`]),
  ]
}

function answerOf({ responses }: DescribedOperation): string {
  const good = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  const types = good.map(([, { content }]) => {
    if (content === undefined) return 'undefined'
    const json = content['application/json']
    return json ? typeOf(json.schema ?? {}, '    ') : 'string'
  })
  return [...new Set(types)].join(' | ') || 'undefined'
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/components/schemas/', '')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.map((one) => typeOf(one, indent)).join(' | ')
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one, indent)).join(' & ')
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, indent)).join(' | ')
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return `(${typeOf(schema.items ?? {}, indent)})[]`
    case 'object':
      return objectOf(schema, indent)
    default:
      return schema.properties ? objectOf(schema, indent) : 'unknown'
  }
}

function objectOf({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  const further = typeof additionalProperties === 'object' ? typeOf(additionalProperties, indent) : 'unknown'
  if (!properties || Object.keys(properties).length === 0) return `Record<string, ${further}>`
  const within = `${indent}  `
  const lines = Object.entries(properties).flatMap(([name, schema]) => [
    ...(schema.description === undefined ? [] : [`${within}/** ${schema.description.replaceAll('*/', '* /')} */`]),
    `${within}${key(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema, within)}`,
  ])
  return ['{', ...lines, `${indent}}`].join('\n')
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}

if (import.meta.main) {
  const { startServer, temporaryFolder, removeFolder } = await import('../test/support/server.ts')
  const folder = temporaryFolder()
  const server = await startServer(folder)
  try {
    const description = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description
    writeFileSync(join(import.meta.dirname, '../client/operations.ts'), renderOperations(description))
  } finally {
    await server.stop()
    removeFolder(folder)
  }
}
