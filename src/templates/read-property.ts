/**
 * What a path leads to: own properties of JSON values, and `size`, `first` and `last` where Liquid has them. Nothing that a
 * value inherits (`constructor`, `__proto__`), and of a text nothing but its size.
 */

/** Undefined where there is nothing. */
export function readProperty(value: unknown, key: unknown): unknown {
  if (typeof value === 'string') return key === 'size' ? value.length : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return readItem(value, key)
  if (typeof key !== 'string' && typeof key !== 'number') return undefined
  if (Object.hasOwn(value, key)) return (value as Record<string, unknown>)[key]
  return key === 'size' ? Object.keys(value).length : undefined
}

const INDEX = /^(0|[1-9]\d{0,9})$/

function readItem(list: readonly unknown[], key: unknown): unknown {
  // From the end, as Liquid has it.
  if (typeof key === 'number') return list[key < 0 ? list.length + key : key]
  if (key === 'size') return list.length
  if (key === 'first') return list[0]
  if (key === 'last') return list.at(-1)
  return typeof key === 'string' && INDEX.test(key) ? list[Number(key)] : undefined
}

/** For a message: what somebody could have meant. Says nothing of what the values are. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  switch (typeof value) {
    case 'string':
      return 'a text'
    case 'boolean':
      return 'true or false'
    case 'object':
      return describeObject(value)
    default:
      return `a ${typeof value}`
  }
}

const SHOWN = 8

function describeObject(value: object): string {
  const names: string[] = []
  for (const name in value) {
    if (names.length === SHOWN) return `an object with ${names.join(', ')} and more`
    names.push(`'${name.length > 40 ? `${name.slice(0, 40).toWellFormed()}…` : name}'`)
  }
  return names.length === 0 ? 'an object without any properties' : `an object with ${names.join(', ')}`
}
