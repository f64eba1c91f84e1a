import { isFields, isSame } from './is-same.ts'

/** An item of either list, and its place there; undefined on the side where it is not. */
export interface Pair {
  before: number | undefined
  after: number | undefined
}

export interface Alignment {
  pairs: Pair[]
  /** What is in both comes in another order. */
  isReordered: boolean
}

/**
 * Which items of two lists are the same thing, changed or not: by their names, where all have one; otherwise what is the same at
 * the beginning and the end stays, and what is between is compared by its place.
 */
export function alignLists(before: readonly unknown[], after: readonly unknown[]): Alignment {
  const names = namesOf(before)
  const others = names && namesOf(after)
  return names && others ? alignByName(names, others) : { pairs: alignByPlace(before, after), isReordered: false }
}

/** Those that were removed come last. @param before,after each name once */
export function alignByName(before: readonly string[], after: readonly string[]): Alignment {
  const places = new Map(before.map((name, index) => [name, index]))
  const pairs: Pair[] = after.map((name, index) => ({ before: places.get(name), after: index }))
  const kept = new Set(after)
  const common = pairs.flatMap((pair) => (pair.before === undefined ? [] : [pair.before]))
  const removed = before.flatMap((name, index) => (kept.has(name) ? [] : [{ before: index, after: undefined }]))
  return { pairs: [...pairs, ...removed], isReordered: common.some((place, index) => index > 0 && place < common[index - 1]!) }
}

/** What names an item among others of its list. */
const NAMES = ['name', 'id', 'server', 'url']

/** Undefined where some have none, or the same. */
function namesOf(items: readonly unknown[]): string[] | undefined {
  const names = items.map(nameOf)
  if (names.some((name) => name === undefined) || new Set(names).size < names.length) return undefined
  return names as string[]
}

function nameOf(item: unknown): string | undefined {
  if (typeof item === 'string') return item
  if (!isFields(item)) return undefined
  const key = NAMES.find((name) => Object.hasOwn(item, name) && typeof item[name] === 'string')
  // What is named by its name is nothing that has the same text as its address.
  return key === undefined ? undefined : `${key} ${item[key] as string}`
}

function alignByPlace(before: readonly unknown[], after: readonly unknown[]): Pair[] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && isSame(before[head], after[head])) head++
  let tail = 0
  while (tail < shorter - head && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail++
  const [old, now] = [before.length - tail, after.length - tail]
  return Array.from({ length: Math.max(old, now) - head }, (_, index) => ({
    before: head + index < old ? head + index : undefined,
    after: head + index < now ? head + index : undefined,
  }))
}
