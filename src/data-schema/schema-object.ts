import type { Check } from './run.ts'
import type { Compiler } from './compiler.ts'
import { clip, escapeSegment } from './path.ts'
import type { Pattern } from './pattern.ts'

export type Schema = Readonly<Record<string, unknown>>

/** One schema while it is compiled: reads its keywords, and says where one is not what it has to be. */
export class SchemaObject {
  readonly schema: Schema
  readonly pointer: string
  readonly compiler: Compiler

  constructor(schema: Schema, pointer: string, compiler: Compiler) {
    this.schema = schema
    this.pointer = pointer
    this.compiler = compiler
  }

  has(keyword: string): boolean {
    return Object.hasOwn(this.schema, keyword)
  }

  get(keyword: string): unknown {
    return this.has(keyword) ? this.schema[keyword] : undefined
  }

  refuse(keyword: string, message: string): undefined {
    this.compiler.refuse(`${this.pointer}/${escapeSegment(keyword)}`, message)
  }

  number(keyword: string): number | undefined {
    const value = this.get(keyword)
    if (value === undefined || typeof value === 'number') return value
    return this.refuse(keyword, `'${keyword}' must be a number.`)
  }

  /** A length or a number of things. */
  count(keyword: string): number | undefined {
    const value = this.get(keyword)
    if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)) return value as number | undefined
    return this.refuse(keyword, `'${keyword}' must be a whole number of at least 0.`)
  }

  text(keyword: string): string | undefined {
    const value = this.get(keyword)
    if (value === undefined || typeof value === 'string') return value
    return this.refuse(keyword, `'${keyword}' must be a text.`)
  }

  /** @param source what the keyword has as a regular expression */
  pattern(keyword: string, source: string): Pattern | undefined {
    try {
      return this.compiler.pattern(source)
    } catch (error) {
      return this.refuse(keyword, `The pattern ${clip(source, 100)} cannot be used: ${clip((error as Error).message, 200)}.`)
    }
  }

  names(keyword: string): string[] | undefined {
    return this.toNames(keyword, this.get(keyword))
  }

  toNames(keyword: string, value: unknown): string[] | undefined {
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value
    return this.refuse(keyword, `'${keyword}' must be a list of names.`)
  }

  /** The members of an object. */
  entries(keyword: string): [string, unknown][] | undefined {
    const value = this.get(keyword)
    if (value === undefined) return undefined
    if (isObject(value)) return Object.entries(value)
    return this.refuse(keyword, `'${keyword}' must be an object.`)
  }

  /** Of the parts of the value that is checked. */
  partSchema(keyword: string): Check | undefined {
    return this.has(keyword) ? this.compiler.compile(this.get(keyword), this.#at(keyword)) : undefined
  }

  /** Of the very value that is checked. */
  sameSchema(keyword: string): Check | undefined {
    return this.has(keyword) ? this.compiler.compile(this.get(keyword), this.#at(keyword), this.schema) : undefined
  }

  partSchemas(keyword: string): [string, Check][] | undefined {
    return this.entries(keyword)?.map(([name, schema]) => [name, this.compiler.compile(schema, this.#at(keyword, name))])
  }

  sameSchemas(keyword: string): [string, Check][] | undefined {
    return this.entries(keyword)?.map(([name, schema]) => [name, this.compiler.compile(schema, this.#at(keyword, name), this.schema)])
  }

  partSchemaList(keyword: string): Check[] | undefined {
    return this.#schemaList(keyword, undefined)
  }

  sameSchemaList(keyword: string): Check[] | undefined {
    return this.#schemaList(keyword, this.schema)
  }

  #schemaList(keyword: string, same: Schema | undefined): Check[] | undefined {
    const value = this.get(keyword)
    if (value === undefined) return undefined
    if (!Array.isArray(value) || value.length === 0) return this.refuse(keyword, `'${keyword}' must be a list of schemas.`)
    return value.map((schema, index) => this.compiler.compile(schema, this.#at(keyword, index), same))
  }

  #at(keyword: string, key?: string | number): string {
    const pointer = `${this.pointer}/${escapeSegment(keyword)}`
    return key === undefined ? pointer : `${pointer}/${escapeSegment(key)}`
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
