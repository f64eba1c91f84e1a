import type { Issue } from '../errors.ts'
import { keywords } from './keywords/index.ts'
import { Pattern } from './pattern.ts'
import { resolveReference } from './reference.ts'
import { type Check, Evaluated, type Run } from './run.ts'
import { isObject, type Schema, SchemaObject } from './schema-object.ts'

/** A schema of the size of a large API's; more would hold up the server while it is compiled. */
const MAX_SCHEMAS = 20_000
const MAX_DEPTH = 100
const MAX_PATTERNS = 1_000
const MAX_PROBLEMS = 100

/**
 * Compiles schemas to functions that check. Nothing is made into program text, so that no name or pattern of a schema can become
 * part of a program.
 */
export class Compiler {
  readonly problems: Issue[] = []
  readonly root: unknown
  /** Each schema is compiled once, whoever refers to it. */
  readonly #compiled = new Map<object, { check: Check }>()
  /** From each schema to those that check the same value: a circle of them would never end. */
  readonly #sameValue = new Map<object, { to: object; pointer: string }[]>()
  readonly #tracks: boolean
  readonly #referred: { schema: Schema; pointer: string }[] = []
  #depth = 0
  #patterns = 0

  constructor(root: unknown) {
    this.root = root
    this.#tracks = mentionsUnevaluated(root, 0)
  }

  /** Compiles the root, and all that it refers to. */
  finish(): Check {
    const check = this.compile(this.root, '')
    for (const { schema, pointer } of this.#referred) this.compile(schema, pointer)
    if (this.problems.length === 0) this.#findCircles()
    return check
  }

  /** @param same the schema of the same value that this one is a part of */
  compile(schema: unknown, pointer: string, same?: Schema): Check {
    if (typeof schema === 'boolean') return schema ? anything : nothing
    if (!isObject(schema)) {
      this.refuse(pointer, 'A schema is an object, or true or false.')
      return anything
    }
    if (same) this.#connect(same, schema, pointer)
    const known = this.#compiled.get(schema)
    if (known) return (value, run) => known.check(value, run)
    if (this.#compiled.size >= MAX_SCHEMAS || this.#depth >= MAX_DEPTH) {
      this.refuse(pointer, `A schema has at most ${MAX_SCHEMAS} parts, nested at most ${MAX_DEPTH} deep.`)
      return anything
    }
    const cell = { check: anything }
    this.#compiled.set(schema, cell)
    this.#depth += 1
    cell.check = this.#compileObject(new SchemaObject(schema, pointer, this))
    this.#depth -= 1
    return cell.check
  }

  /** The schema that a `$ref` names. It is compiled later, so that a long chain of them is no deep one. */
  reference(from: SchemaObject, reference: string): Check | undefined {
    const found = resolveReference(this.root, reference)
    if (typeof found === 'string') return from.refuse('$ref', found)
    const { schema, pointer } = found
    if (!isObject(schema)) return this.compile(schema, pointer)
    this.#connect(from.schema, schema, `${from.pointer}/$ref`)
    this.#referred.push({ schema, pointer })
    const check: Check = (value, run) => this.#compiled.get(schema)!.check(value, run)
    return (value, run) => run.deeper(check, value)
  }

  /** @throws an error that says what is wrong with it */
  pattern(source: string): Pattern {
    this.#patterns += 1
    if (this.#patterns > MAX_PATTERNS) throw new Error(`a schema has at most ${MAX_PATTERNS} patterns`)
    return new Pattern(source)
  }

  refuse(pointer: string, message: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ pointer, code: 'schema_invalid', message })
  }

  /** Says where a schema leads back to itself without having gone into the value. */
  #findCircles(): void {
    const done = new Set<object>()
    for (const start of this.#sameValue.keys()) {
      const open = new Set<object>()
      const path = [{ schema: start, next: 0 }]
      for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
        open.add(at.schema)
        const edge = done.has(at.schema) ? undefined : this.#sameValue.get(at.schema)?.[at.next]
        at.next += 1
        if (edge === undefined) {
          done.add(at.schema)
          open.delete(at.schema)
          path.pop()
        } else if (open.has(edge.to)) {
          this.refuse(edge.pointer, 'This schema refers back to itself for the same value, which never ends.')
        } else {
          path.push({ schema: edge.to, next: 0 })
        }
      }
    }
  }

  #compileObject(object: SchemaObject): Check {
    const checks = keywords.map((keyword) => keyword(object)).filter((check) => check !== undefined)
    if (this.#tracks) return tracked(all(checks))
    return all(checks)
  }

  #connect(from: object, to: object, pointer: string): void {
    const edges = this.#sameValue.get(from)
    if (edges) edges.push({ to, pointer })
    else this.#sameValue.set(from, [{ to, pointer }])
  }
}

const anything: Check = () => true
const nothing: Check = (_value, run) => run.fail('invalid', 'must not be there')

function all(checks: readonly Check[]): Check {
  const [only] = checks
  if (only === undefined) return anything
  if (checks.length === 1) return only
  return (value, run) => {
    let fits = true
    for (const check of checks) {
      if (check(value, run)) continue
      fits = false
      if (run.isDecided) return false
    }
    return fits
  }
}

/** Keeps what a schema looked at, for the `unevaluated…` of those around it, where the value fits. */
function tracked(check: Check): Check {
  return (value: unknown, run: Run) => {
    const outer = run.evaluated
    const own = (run.evaluated = new Evaluated())
    const fits = check(value, run)
    run.evaluated = outer
    if (fits) outer?.add(own)
    return fits
  }
}

function mentionsUnevaluated(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return false
  if (Array.isArray(value)) return value.some((item) => mentionsUnevaluated(item, depth + 1))
  return Object.entries(value).some(
    ([name, member]) => name === 'unevaluatedProperties' || name === 'unevaluatedItems' || mentionsUnevaluated(member, depth + 1),
  )
}
