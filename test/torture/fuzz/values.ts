import type { Random } from '../random.ts'
import { anyFlow, sayings, sensible } from './configurations.ts'
import type { Names } from './names.ts'
import type { Schema } from './operations.ts'

/** How deep a value goes that nothing bounds. */
const DEEPEST = 5

const strange = [
  '',
  ' ',
  '0',
  'null',
  'true',
  '-1',
  '1e309',
  '../../etc/passwd',
  '%00',
  'a\u0000b',
  '\ud800',
  '\ufeff',
  '\u202e',
  '💥'.repeat(50),
  'ä'.repeat(200),
  "'; drop table executions; --",
  '{{ secrets.KEY }}',
  '{% for i in (1..100000) %}{{ i }}{% endfor %}',
  '{{ steps.nothing.output }}',
  '${7*7}',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'toString',
  'http://127.0.0.1:1/',
  'http://[::ffff:169.254.169.254]/',
  'file:///etc/passwd',
  'x'.repeat(5_000),
  '2026-01-31T12:00:00Z',
  '9999-12-31T23:59:60Z',
  '00000000-0000-0000-0000-000000000000',
]
const strangeNumbers = [0, -0, -1, 1, 0.5, 1e15, 2 ** 31, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 1e308, 5e-324]

/** Makes values for a schema: such that fit, such that hardly do, and any. */
export class Values {
  readonly #random: Random
  readonly #names: Names

  constructor(random: Random, names: Names) {
    this.#random = random
    this.#names = names
  }

  /** One that fits, as far as the schema says. @param name of the field that it is for */
  fitting(schema: Schema, name = '', depth = 0): unknown {
    const random = this.#random
    if (schema.const !== undefined) return schema.const
    if (schema.enum) return random.pick(schema.enum)
    if (schema.anyOf) return this.fitting(random.pick(schema.anyOf), name, depth)
    const known = this.#names.any(name)
    if (known !== undefined && random.next() < 0.7) return known
    if (schema.examples && random.next() < 0.3) return random.pick(schema.examples)
    if (name === 'configuration') return random.next() < 0.5 ? random.pick(sensible) : anyFlow(random, (one) => this.fitting(one))
    switch (schema.type) {
      case 'object':
        return this.#fittingObject(schema, depth)
      case 'array':
        return this.#fittingList(schema, depth)
      case 'string':
        return this.#fittingText(schema)
      case 'integer':
        return Math.round(this.#fittingNumber(schema))
      case 'number':
        return this.#fittingNumber(schema)
      case 'boolean':
        return random.next() < 0.5
      case 'null':
        return null
      default:
        return this.any(depth + 2)
    }
  }

  /** One that fits but for a few places. */
  almostFitting(schema: Schema): unknown {
    let value = this.fitting(schema)
    for (let changes = 1 + Math.floor(this.#random.between(0, 3)); changes > 0; changes--) value = this.changed(value)
    return value
  }

  /** The same but for one place of it. */
  changed(value: unknown): unknown {
    const random = this.#random
    if (typeof value !== 'object' || value === null || random.next() < 0.2) return this.any()
    if (Array.isArray(value)) {
      if (value.length === 0 || random.next() < 0.2) return [...value, this.any(DEEPEST - 1)]
      const at = Math.floor(random.between(0, value.length))
      return value.map((item, index) => (index === at ? this.changed(item) : item))
    }
    const entries = Object.entries(value)
    if (entries.length === 0 || random.next() < 0.2) return { ...value, [this.text()]: this.any(DEEPEST - 1) }
    const [name, member] = random.pick(entries)
    if (random.next() < 0.2) return Object.fromEntries(entries.filter(([one]) => one !== name))
    return { ...value, [name]: this.changed(member) }
  }

  any(depth = 0): unknown {
    const random = this.#random
    const kind = Math.floor(random.between(0, depth < DEEPEST ? 8 : 6))
    if (kind === 0) return null
    if (kind === 1) return random.next() < 0.5
    if (kind === 2) return random.pick(strangeNumbers)
    if (kind < 6) return this.text()
    const items = Array.from({ length: Math.floor(random.between(0, 4)) }, () => this.any(depth + 1))
    if (kind === 6) return items
    return Object.fromEntries(items.map((item) => [this.text(), item]))
  }

  text(): string {
    const random = this.#random
    if (random.next() < 0.5) return random.pick(strange)
    if (random.next() < 0.3) return random.pick(sayings)
    const length = Math.floor(random.between(0, 20))
    return Array.from({ length }, () => String.fromCodePoint(Math.floor(random.between(0, random.next() < 0.9 ? 0x7f : 0xffff)))).join('')
  }

  #fittingObject({ properties = {}, required = [], additionalProperties }: Schema, depth: number): unknown {
    const chosen = Object.entries(properties).filter(
      ([name]) => required.includes(name) || this.#random.next() < (depth < DEEPEST ? 0.4 : 0.05),
    )
    const object = Object.fromEntries(chosen.map(([name, schema]) => [name, this.fitting(schema, name, depth + 1)]))
    if (additionalProperties !== false && this.#random.next() < 0.3) object[this.text()] = this.any(depth + 2)
    return object
  }

  #fittingList({ items = {}, minItems = 0, maxItems = 3 }: Schema, depth: number): unknown {
    const length = Math.floor(this.#random.between(minItems, Math.min(maxItems, minItems + 3) + 1))
    return Array.from({ length }, () => this.fitting(items, '', depth + 1))
  }

  #fittingText({ minLength = 0, maxLength = 30, pattern, format, examples }: Schema): string {
    const random = this.#random
    if (format === 'uuid') return '01900000-0000-7000-8000-00000000000' + Math.floor(random.between(0, 10))
    if (format === 'date-time') return new Date(random.between(0, 4e12)).toISOString()
    const plain = `n${Math.floor(random.between(0, 50))}`
    if (!pattern) {
      const text = random.next() < 0.3 ? this.text() : plain
      return text.slice(0, maxLength).padEnd(minLength, 'x')
    }
    const fits = new RegExp(pattern, 'u')
    return [plain, plain.toUpperCase(), `KEY_${plain.slice(1)}`, ...(examples ?? [])].map(String).find((one) => fits.test(one)) ?? plain
  }

  #fittingNumber({ minimum = 0, maximum = 100 }: Schema): number {
    const random = this.#random
    return random.next() < 0.3 ? random.pick([minimum, maximum]) : random.between(minimum, Math.min(maximum, minimum + 100))
  }
}
