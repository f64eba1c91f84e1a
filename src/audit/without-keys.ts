/** Where people write keys out although they could name a secret. */
const KEY =
  /^(x[-_])?(api[-_]?key|access[-_]?key|secret[-_]?key|private[-_]?key|access[-_]?token|auth[-_]?token|client[-_]?secret|(proxy[-_])?authorization|password|passwd|secret|token|cookie)$/i

/** As elsewhere. */
const HIDDEN = '[hidden]'

/**
 * A copy in which keys are hidden that were written out, and references to secrets are left as they are. An object can be mended;
 * the trail, of which nothing is ever removed, would keep such a key for good.
 * @param value as JSON can hold it; the value itself where there is none
 */
export function withoutKeys(value: unknown): unknown {
  if (Array.isArray(value)) return changed(value, value.map(withoutKeys))
  // Only what JSON.parse has made: anything else is not people's.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value).map(([name, inner]) => [name, isWrittenOut(name, inner) ? HIDDEN : withoutKeys(inner)] as const)
  return entries.every(([name, inner]) => inner === (value as Record<string, unknown>)[name]) ? value : Object.fromEntries(entries)
}

function isWrittenOut(name: string, value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && !value.includes('{{') && KEY.test(name)
}

function changed(before: unknown[], after: unknown[]): unknown[] {
  return after.every((item, index) => item === before[index]) ? before : after
}
