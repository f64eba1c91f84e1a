/** Why a pointer leads nowhere, in words for whoever wrote it. */
export class LookUpFailed extends Error {}

/** How many names of a value a message lists. */
const MOST_NAMES = 50

/** What stands at a JSON pointer (RFC 6901), own properties only. @throws LookUpFailed which says what is there instead */
export function lookUp(value: unknown, pointer: string): unknown {
  if (pointer === '' || pointer === '/') return value
  if (!pointer.startsWith('/')) throw new LookUpFailed(`A pointer begins with '/', such as /input/items/0/name.`)
  let at = value
  let path = ''
  for (const part of pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const next = member(at, name)
    if (!next) throw new LookUpFailed(`There is no '${name}' at '${path || '/'}', where there is ${describe(at)}.`)
    at = next.value
    path += `/${part}`
  }
  return at
}

function member(value: unknown, name: string): { value: unknown } | undefined {
  if (Array.isArray(value)) {
    const index = /^(0|[1-9]\d*)$/.test(name) ? Number(name) : -1
    return index in value ? { value: value[index] as unknown } : undefined
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return { value: (value as Record<string, unknown>)[name] }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value !== 'object' || value === null) return 'no object'
  const names = Object.keys(value)
  return names.length === 0
    ? 'an empty object'
    : `an object with ${names.slice(0, MOST_NAMES).join(', ')}${names.length > MOST_NAMES ? ', …' : ''}`
}
