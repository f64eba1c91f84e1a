import type { Budget } from '../budget.ts'
import { Failure } from '../failure.ts'
import { describe, readProperty } from '../read-property.ts'
import type { Rendering } from '../render-context.ts'
import { measure, toText } from '../to-text.ts'
import { advance, countCharacters } from './characters.ts'
import type { Filter } from './filter.ts'
import { toNumber } from './number-filters.ts'

/**
 * Filters of lists. LiquidJS's own look at the clock only before and after they went through a list; these look while they do. A list
 * that is made counts its items; one that goes into another counts with all that it holds, so that nothing grows by doubling.
 */
export const listFilters: Record<string, Filter> = {
  array_to_sentence_string: (rendering, value, [connector = 'and']) => toSentence(rendering, listOf(value), connector),
  compact: ({ budget }, value) =>
    made(
      budget,
      keep(budget, listOf(value), (item) => item !== null && item !== undefined),
    ),
  concat: ({ budget }, value, [other]) => made(budget, concat(budget, listOf(value), listOf(other))),
  find: (rendering, value, args) => find(rendering, value, args)?.item,
  find_index: (rendering, value, args) => find(rendering, value, args)?.index,
  first: (_rendering, value) => (Array.isArray(value) ? value[0] : null),
  group_by: groupBy,
  has: (rendering, value, args) => find(rendering, value, args) !== undefined,
  join: (rendering, value, [separator = ' ']) => join(rendering, listOf(value), separator),
  last: (_rendering, value) => (Array.isArray(value) ? value.at(-1) : null),
  map: ({ budget }, value, [property]) => made(budget, mapItems(budget, listOf(value), readerOf(property))),
  pop: ({ budget }, value) => made(budget, listOf(value).slice(0, -1)),
  push: ({ budget }, value, [item]) => made(budget, [...listOf(value), counted(budget, item ?? null)]),
  reject: (rendering, value, args) => made(rendering.budget, keep(rendering.budget, listOf(value), not(matcher(rendering, args)))),
  reverse: ({ budget }, value) => made(budget, listOf(value).toReversed()),
  shift: ({ budget }, value) => made(budget, listOf(value).slice(1)),
  size: (_rendering, value) => readProperty(value, 'size') ?? 0,
  slice,
  sort: (rendering, value, [property]) => sort(rendering, value, property, (key) => key),
  sort_natural: (rendering, value, [property]) =>
    sort(rendering, value, property, (key) => (typeof key === 'string' ? key.toLowerCase() : key)),
  sum: ({ budget }, value, [property]) => sum(budget, listOf(value), readerOf(property)),
  uniq: ({ budget }, value) => made(budget, unique(budget, listOf(value))),
  unshift: ({ budget }, value, [item]) => made(budget, [counted(budget, item ?? null), ...listOf(value)]),
  where: (rendering, value, args) => made(rendering.budget, keep(rendering.budget, listOf(value), matcher(rendering, args))),
}

/** Anything else is a list of one, and nothing an empty one, as in Liquid. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return value === null || value === undefined ? [] : [value]
}

function made(budget: Budget, list: unknown[]): unknown[] {
  budget.use(list.length)
  return list
}

function counted(budget: Budget, item: unknown): unknown {
  if (typeof item === 'object' && item !== null) budget.use(measure(item, budget))
  return item
}

function concat(budget: Budget, list: readonly unknown[], other: readonly unknown[]): unknown[] {
  return [...list, ...mapItems(budget, other, (item) => counted(budget, item))]
}

function keep(budget: Budget, list: readonly unknown[], isKept: (item: unknown) => boolean): unknown[] {
  return list.filter((item) => {
    budget.tick()
    return isKept(item)
  })
}

function mapItems(budget: Budget, list: readonly unknown[], read: (item: unknown) => unknown): unknown[] {
  return list.map((item) => {
    budget.tick()
    return read(item)
  })
}

/** Reads `customer.name` of an item, null where it is not there; without a property the item itself. */
function readerOf(property: unknown): (item: unknown) => unknown {
  if (property === undefined || property === null) return (item) => item
  if (typeof property === 'number') return (item) => readProperty(item, property) ?? null
  if (typeof property !== 'string') throw new Failure(`a property is named by a text, not by ${describe(property)}`)
  const path = property.split('.', 50)
  return (item) => {
    let value = item
    for (const name of path) value = readProperty(value, name)
    return value ?? null
  }
}

function matcher({ comparison }: Rendering, [property, expected]: readonly unknown[]): (item: unknown) => boolean {
  const read = readerOf(property)
  if (expected === undefined) return (item) => isTrue(read(item))
  return (item) => comparison.equal(read(item), expected)
}

const isTrue = (value: unknown): boolean => value !== null && value !== undefined && value !== false

const not =
  (matches: (item: unknown) => boolean) =>
  (item: unknown): boolean =>
    !matches(item)

function find(rendering: Rendering, value: unknown, args: readonly unknown[]): { item: unknown; index: number } | undefined {
  const matches = matcher(rendering, args)
  for (const [index, item] of listOf(value).entries()) {
    rendering.budget.tick()
    if (matches(item)) return { item, index }
  }
  return undefined
}

function groupBy({ budget }: Rendering, value: unknown, [property]: readonly unknown[]): unknown[] {
  const read = readerOf(property)
  const groups = Map.groupBy(listOf(value), (item) => {
    budget.tick()
    budget.use(1)
    return read(item)
  })
  return Array.from(groups, ([name, items]) => ({ name, items }))
}

function join({ budget }: Rendering, list: readonly unknown[], separator: unknown): string {
  const between = toText(separator, budget)
  let text = ''
  for (const [index, item] of list.entries()) {
    budget.tick()
    const piece = (index === 0 ? '' : between) + toText(item, budget)
    budget.use(piece.length)
    text += piece
  }
  return text
}

function toSentence(rendering: Rendering, list: readonly unknown[], connector: unknown): string {
  if (list.length < 3) return join(rendering, list, ` ${toText(connector, rendering.budget)} `)
  return `${join(rendering, list.slice(0, -1), ', ')}, ${toText(connector, rendering.budget)} ${toText(list.at(-1), rendering.budget)}`
}

/** What is nothing comes last. */
function sort({ budget, comparison }: Rendering, value: unknown, property: unknown, keyOf: (key: unknown) => unknown): unknown[] {
  const read = readerOf(property)
  const keyed = mapItems(budget, listOf(value), (item) => ({ item, key: keyOf(read(item)) })) as { item: unknown; key: unknown }[]
  keyed.sort((left, right) => {
    budget.tick()
    return comparison.order(left.key, right.key) ?? Number(left.key === null) - Number(right.key === null)
  })
  return made(
    budget,
    keyed.map(({ item }) => item),
  )
}

function sum(budget: Budget, list: readonly unknown[], read: (item: unknown) => unknown): number {
  let total = 0
  for (const item of list) {
    budget.tick()
    const number = read(item)
    if (number !== null) total += toNumber('sum', number)
  }
  return total
}

function unique(budget: Budget, list: readonly unknown[]): unknown[] {
  const seen = new Set<unknown>()
  for (const item of list) {
    budget.tick()
    seen.add(item)
  }
  return [...seen]
}

function slice({ budget }: Rendering, value: unknown, [begin, length = 1]: readonly unknown[]): unknown {
  const from = toNumber('slice', begin)
  const count = Math.max(0, toNumber('slice', length))
  if (value === null || value === undefined) return []
  if (Array.isArray(value)) return made(budget, sliceOf(value.length, from, count, (start, end) => value.slice(start, end)) ?? [])
  const text = toText(value, budget)
  // Characters have to be counted, one by one.
  const cut = budget.onText(text, () =>
    sliceOf(from < 0 ? countCharacters(text) : text.length, from, count, (start, end) => {
      const at = advance(text, 0, start)
      return text.slice(at, advance(text, at, end - start))
    }),
  )
  budget.use(cut?.length ?? 0)
  return cut ?? ''
}

function sliceOf<T>(size: number, begin: number, count: number, cut: (start: number, end: number) => T): T | undefined {
  const start = begin < 0 ? size + begin : begin
  return start < 0 ? undefined : cut(start, start + count)
}
