import { escapeSegment } from './path.ts'
import { isObject } from './schema-object.ts'

/** The schema that a reference leads to, and its pointer; or what is wrong with the reference. */
export function resolveReference(root: unknown, reference: string): { schema: unknown; pointer: string } | string {
  const fragment = fragmentOf(root, reference)
  if (fragment === undefined)
    return `'${reference.slice(0, 200)}' is not within this schema: a reference begins with #, and nothing is fetched from elsewhere.`
  const found = fragment === '' || fragment.startsWith('/') ? atPointer(root, fragment) : atAnchor(root, fragment, '', 0)
  return found ?? `'${reference.slice(0, 200)}' leads nowhere in this schema.`
}

/** Undefined where the reference leads elsewhere. */
function fragmentOf(root: unknown, reference: string): string | undefined {
  const id = isObject(root) && typeof root['$id'] === 'string' ? root['$id'].replace(/#$/, '') : undefined
  const own = id !== undefined && (reference === id || reference.startsWith(`${id}#`)) ? reference.slice(id.length) : reference
  if (own !== '' && !own.startsWith('#')) return undefined
  try {
    return decodeURIComponent(own.slice(1))
  } catch {
    return undefined
  }
}

function atPointer(root: unknown, pointer: string): { schema: unknown; pointer: string } | undefined {
  let schema = root
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof schema !== 'object' || schema === null || !Object.hasOwn(schema, key)) return undefined
    schema = (schema as Record<string, unknown>)[key]
  }
  return { schema, pointer }
}

function atAnchor(value: unknown, name: string, pointer: string, depth: number): { schema: unknown; pointer: string } | undefined {
  if (typeof value !== 'object' || value === null || depth > 100) return undefined
  if (isObject(value) && (value['$anchor'] === name || value['$id'] === `#${name}`)) return { schema: value, pointer }
  for (const [key, member] of Object.entries(value)) {
    // What stands there is data, not schemas.
    if (key === 'enum' || key === 'const' || key === 'default' || key === 'examples') continue
    const found = atAnchor(member, name, `${pointer}/${escapeSegment(key)}`, depth + 1)
    if (found) return found
  }
  return undefined
}
