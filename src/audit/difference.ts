import { sha256 } from '../graph/digest.ts'

/** Stands for what is too long for the trail. A class, so that nothing that people have written is taken for it. */
class Cut {
  readonly cut: { bytes: number; sha256: string; start: string }

  /** @param text a string itself, and of anything else its JSON without spaces */
  constructor(text: string) {
    this.cut = { bytes: Buffer.byteLength(text), sha256: sha256(text), start: text.slice(0, START).toWellFormed() }
  }
}

type Fields = Record<string, unknown>

export interface Difference {
  before: object | null
  after: object | null
}

/** Characters of JSON of one value. */
const LONG = 4_000
/** The same where there are many. */
const LONG_AMONG_MANY = 500
/** Characters of JSON of all values of one side. */
const SIDE = 16_000
/** Places within one field that are named one by one. Where there are more, the field is given as a whole. */
const PLACES = 20
/** Characters of a cut value that are kept. */
const START = 200
/** Characters of stored JSON that is parsed at all: a millisecond. */
const HUGE = 100_000

/**
 * What differs between two states of an object. A field is given by its name, a place within a field by its JSON pointer, and
 * nothing that is the same on both sides is given. A state that is null (the object was not there, or is gone) leaves the
 * other one whole. Each side has at most about 16 kB: what is longer is cut.
 */
export function differenceOf(before: Fields | null, after: Fields | null): Difference {
  if (!before || !after) return { before: before && bound(before), after: after && bound(after) }
  const pairs = fieldsOf(before, after).flatMap((name) => placesIn(name, before[name], after[name]))
  const side = (value: (pair: Pair) => unknown): object =>
    bound(Object.fromEntries(pairs.filter((pair) => value(pair) !== undefined).map((pair) => [pair.place, value(pair)])))
  return { before: side((pair) => pair.before), after: side((pair) => pair.after) }
}

/** One place that differs; undefined on the side where it is not there. */
interface Pair {
  place: string
  before: unknown
  after: unknown
}

function fieldsOf(one: Fields, other: Fields): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
}

function placesIn(name: string, before: unknown, after: unknown): Pair[] {
  const places: Pair[] = []
  collect(`/${escape(name)}`, before, after, places)
  if (places.length > PLACES || places.some(({ place }) => place.length > START)) return [{ place: name, before, after }]
  return places.map((pair) => (pair.place === `/${escape(name)}` ? { ...pair, place: name } : pair))
}

/** Adds the outermost places that differ; stops soon after there are too many. */
function collect(place: string, before: unknown, after: unknown, places: Pair[]): void {
  if (places.length > PLACES || before === after) return
  if (Array.isArray(before) && Array.isArray(after)) return collectItems(place, before, after, places)
  if (isFields(before) && isFields(after)) {
    for (const name of fieldsOf(before, after)) {
      collect(`${place}/${escape(name)}`, ownValue(before, name), ownValue(after, name), places)
    }
    return
  }
  if (before instanceof Cut && after instanceof Cut && before.cut.sha256 === after.cut.sha256) return
  places.push({ place, before, after })
}

/** Items that were added or removed in the middle do not make all that follow them different. */
function collectItems(place: string, before: unknown[], after: unknown[], places: Pair[]): void {
  const shorter = Math.min(before.length, after.length)
  let tail = 0
  if (before.length !== after.length) while (tail < shorter && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail++
  const end = Math.max(before.length, after.length) - tail
  for (let index = 0; index < end; index++) {
    const at = (items: unknown[]): unknown => (index < items.length - tail ? items[index] : undefined)
    collect(`${place}/${index}`, at(before), at(after), places)
  }
}

function isSame(one: unknown, other: unknown): boolean {
  const places: Pair[] = []
  collect('', one, other, places)
  return places.length === 0
}

/** A part of a JSON pointer (RFC 6901 §3). */
function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Cut)
}

/** People's JSON may have any names, also those that every object inherits. */
function ownValue(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}

function bound(fields: Fields): object {
  for (const most of [LONG, LONG_AMONG_MANY]) {
    const entries = Object.entries(fields).map(([name, value]) => [name, shorten(value, most)] as const)
    if (entries.reduce((sum, [name, value]) => sum + name.length + textOf(value).length, 0) <= SIDE) return Object.fromEntries(entries)
  }
  return new Cut(JSON.stringify(fields))
}

function shorten(value: unknown, most: number): unknown {
  if (value instanceof Cut) return value
  const text = textOf(value)
  return text.length > most ? new Cut(text) : value
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

/**
 * The stored JSON of an object that may be large. What is so large that everybody's writes would wait for its parsing is cut
 * as it is.
 */
export function fromJson(text: string): unknown {
  return text.length > HUGE ? new Cut(text) : JSON.parse(text)
}
