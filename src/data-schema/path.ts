/** Where something is within a value. */
export type Path = (string | number)[]

/** RFC 6901 §3. */
export function escapeSegment(segment: string | number): string {
  return String(segment).replaceAll('~', '~0').replaceAll('/', '~1')
}

const LONGEST = 200

/** `'customer.items[2].name'` rather than a pointer, to begin a sentence with. */
export function nameOf(path: Readonly<Path>): string {
  if (path.length === 0) return 'The value'
  const name = path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('')
  return `'${clip(name, LONGEST)}'`
}

/** What a value is, to end a sentence with. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'string' && value.length > 60) return 'a longer text'
  return typeof value === 'string' ? `'${value}'` : String(value)
}

/** A value as it is written in a schema. */
export function literal(value: unknown): string {
  return typeof value === 'string' ? `'${clip(value, 60)}'` : clip(JSON.stringify(value) ?? 'null', 60)
}

/** An emoji may be cut in two, and half of one is no Unicode. */
export function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text
}

export function list(names: readonly string[], last: string): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`
}
