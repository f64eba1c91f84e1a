import type { Context, Liquid, Token } from 'liquidjs'
import type { Budget } from './budget.ts'
import { Comparison, type Words } from './compare.ts'
import { MissingPath } from './failure.ts'
import type { LiquidModule } from './liquid.ts'
import { describe, readProperty } from './read-property.ts'

/** What a template sees. Only JSON values; never copied, never changed. */
export type Values = Readonly<Record<string, unknown>>

/** A rendering: what it sees, what it assigned, what it may take. */
export interface Rendering extends Context {
  readonly budget: Budget
  readonly comparison: Comparison
  /** The time that 'now' stands for in a date: the scope's, never the clock's. */
  readonly now: unknown
  /** @param token where the path stands @throws an error that says so */
  read(path: readonly unknown[], isOptional: boolean, token: Token): unknown
}

export type RenderingClass = new (engine: Liquid, scope: Values, secrets: Values | undefined, budget: Budget) => Rendering

/** What a loop says of itself. */
const LOOP_PROPERTIES = new Set(['index', 'index0', 'rindex', 'rindex0', 'first', 'last', 'length'])

/** LiquidJS looks up paths in its context; this one knows own properties only, and says what is missing. */
export function defineRendering({ Context, Drop, UndefinedVariableError }: LiquidModule, words: Words): RenderingClass {
  return class extends Context implements Rendering {
    readonly budget: Budget
    readonly comparison: Comparison
    readonly #scope: Values
    readonly #secrets: Values | undefined
    readonly #assigned: Record<string, unknown> = Object.create(null)
    readonly #loops: Record<string, unknown>[] = []

    constructor(engine: Liquid, scope: Values, secrets: Values | undefined, budget: Budget) {
      const limiter = budget as unknown as Context['memoryLimit']
      super(scope, engine.options, { sync: true }, { memoryLimit: limiter, renderLimit: limiter, liquid: engine })
      this.budget = budget
      this.#scope = scope
      this.#secrets = secrets
      this.comparison = new Comparison(words, budget)
    }

    get now(): unknown {
      return this.#scope['now']
    }

    // What its tags use: `assign` and `capture` write into the bottom, `for` pushes a scope of its own.

    override bottom(): Record<string, unknown> {
      return this.#assigned
    }

    override push(scope: Record<string, unknown>): number {
      return this.#loops.push(scope)
    }

    override pop(): Record<string, unknown> | undefined {
      return this.#loops.pop()
    }

    read(path: readonly unknown[], isOptional: boolean, token: Token): unknown {
      try {
        return this.#follow(this.#scopeOf(path[0]), path)
      } catch (error) {
        if (isOptional && error instanceof MissingPath) return null
        throw new UndefinedVariableError(error as Error, token)
      }
    }

    /** LiquidJS takes an iterator or the value itself. */
    override _get(path: unknown[]): IterableIterator<unknown> {
      return this.#follow(this.#scopeOf(path[0]), path) as IterableIterator<unknown>
    }

    override _getFromScope(value: unknown, path: unknown[] | string): IterableIterator<unknown> {
      return this.#follow(value, typeof path === 'string' ? path.split('.') : path) as IterableIterator<unknown>
    }

    override readProperty(value: unknown, key: unknown): unknown {
      if (value instanceof Drop) return this.#readLoop(value, key)
      return readProperty(value, key)
    }

    #scopeOf(name: unknown): unknown {
      if (typeof name !== 'string') return undefined
      for (let index = this.#loops.length - 1; index >= 0; index--) if (name in this.#loops[index]!) return this.#loops[index]
      if (name in this.#assigned) return this.#assigned
      return name === 'secrets' ? { secrets: this.#secrets } : this.#scope
    }

    #follow(from: unknown, path: readonly unknown[]): unknown {
      let value = from
      for (let index = 0; index < path.length; index++) {
        const key = path[index]
        const next = this.readProperty(value, key)
        if (next === undefined) throw missing(path, index, value, index === 0)
        value = next
      }
      return value
    }

    #readLoop(loop: object, key: unknown): unknown {
      if (typeof key !== 'string' || !LOOP_PROPERTIES.has(key)) return undefined
      const property = (loop as Record<string, unknown>)[key]
      return typeof property === 'function' ? property.call(loop) : property
    }
  }
}

function missing(path: readonly unknown[], index: number, parent: unknown, isRoot: boolean): MissingPath {
  const whole = writePath(path.slice(0, index + 1))
  const key = writeKey(path[index])
  if (path[0] === 'secrets') return new MissingPath(isRoot ? 'secrets are not available here' : `there is no secret '${key}'`, whole)
  if (isRoot) return new MissingPath(`there is no '${key}'; what there is, is ${describe(parent)}`, whole)
  const hint = key === 'length' && (typeof parent === 'string' || Array.isArray(parent)) ? '; the number of its parts is called size' : ''
  return new MissingPath(`${writePath(path.slice(0, index))} has no '${key}'; it is ${describe(parent)}${hint}`, whole)
}

function writePath(path: readonly unknown[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? writeKey(key) : `.${writeKey(key)}`)).join('')
}

/** A key can be a value of any length. */
function writeKey(key: unknown): string {
  const text = typeof key === 'object' ? describe(key) : String(key as string | number | boolean)
  return text.length > 100 ? `${text.slice(0, 100).toWellFormed()}…` : text
}
