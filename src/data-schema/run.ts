import type { Issue } from '../errors.ts'
import { threadMilliseconds } from '../interrupt.ts'
import { escapeSegment, nameOf, type Path } from './path.ts'

/** Whether a value fits, and what is wrong with it if the run asks. */
export type Check = (value: unknown, run: Run) => boolean

/** What was found wrong at most. */
export const MAX_ISSUES = 20

/** CPU time of one check. A megabyte takes a tenth of it. */
export const MAX_MILLISECONDS = 100
const STEPS = 256

/** Values within values. */
const MAX_DEPTH = 500

/** A value that cannot be checked within the limits. */
export class TooCostly extends Error {}

/** A pattern that may take long on a text: the check has to begin again, under a watch. */
export class NeedsWatch extends Error {}

/** One check of one value: where it is, what it found, what it may still take. */
export class Run {
  issues: Issue[] = []
  /** Whether somebody stops the check when it takes too long. */
  readonly isWatched: boolean
  /** What keywords of the schema at hand have looked at, where its `unevaluated…` asks for it. */
  evaluated: Evaluated | undefined
  #quiet = true
  #path: Path = []
  #depth = 0
  #steps = 0
  readonly #began = threadMilliseconds()
  readonly #early = performance.now() + MAX_MILLISECONDS

  constructor(isWatched: boolean) {
    this.isWatched = isWatched
  }

  /** Of the value that is looked at. */
  get pointer(): string {
    return this.#pointer(this.#path)
  }

  /** Whether to stop at the first thing that is wrong: only the answer counts, or enough was found. */
  get isDecided(): boolean {
    return this.#quiet || this.issues.length >= MAX_ISSUES
  }

  /** What is wrong from here on is told. */
  tell(): void {
    this.#quiet = false
  }

  /** Asks without being told why. */
  quietly(check: Check, value: unknown): boolean {
    const quiet = this.#quiet
    this.#quiet = true
    const fits = check(value, this)
    this.#quiet = quiet
    return fits
  }

  /** What a check finds wrong, apart from what was found so far. */
  aside(check: Check, value: unknown): Issue[] {
    const { issues } = this
    this.issues = []
    check(value, this)
    const found = this.issues
    this.issues = issues
    return found
  }

  /** Checks what is in the value. */
  child(key: string | number, check: Check, value: unknown): boolean {
    const { evaluated } = this
    this.evaluated = undefined
    if (!this.#quiet) this.#path.push(key)
    const fits = this.deeper(check, value)
    if (!this.#quiet) this.#path.pop()
    this.evaluated = evaluated
    return fits
  }

  /** Checks by a schema that may lead back to where it was called from. */
  deeper(check: Check, value: unknown): boolean {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new TooCostly('is nested too deep')
    const fits = check(value, this)
    this.#depth -= 1
    return fits
  }

  /** Called for each small piece of work. @throws TooCostly */
  step(): void {
    this.#steps += 1
    if (this.#steps % STEPS === 0) this.checkTime()
  }

  /** Counts what this thread ran, which is looked at only once the clock on the wall says that it is late. */
  checkTime(): void {
    if (performance.now() < this.#early || threadMilliseconds() - this.#began < MAX_MILLISECONDS) return
    throw new TooCostly(`takes more than ${MAX_MILLISECONDS} ms to be checked`)
  }

  /** @param should the end of a sentence that begins with the name of the value @param key of something within the value */
  fail(code: string, should: string, key?: string | number): false {
    if (this.#quiet) return false
    const path = key === undefined ? this.#path : [...this.#path, key]
    this.add([{ pointer: this.#pointer(path), code, message: `${nameOf(path)} ${should}.` }])
    return false
  }

  add(issues: readonly Issue[]): void {
    this.issues.push(...issues.slice(0, MAX_ISSUES - this.issues.length))
  }

  #pointer(path: Path): string {
    return path.map((segment) => `/${escapeSegment(segment)}`).join('')
  }
}

/** Names and places that were looked at. */
export class Evaluated {
  readonly names = new Set<string>()
  readonly items = new Set<number>()
  /** All items before that place, too. */
  itemsBefore = 0

  add({ names, items, itemsBefore }: Evaluated): void {
    for (const name of names) this.names.add(name)
    for (const item of items) this.items.add(item)
    this.itemsBefore = Math.max(this.itemsBefore, itemsBefore)
  }
}
