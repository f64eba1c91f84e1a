import type { Random } from '../random.ts'
import type { Names } from './names.ts'
import type { Operation, Parameter, Schema } from './operations.ts'
import type { Values } from './values.ts'

export interface FuzzRequest {
  method: string
  /** Which of the API's it is, or was before it was changed. */
  operation: string
  bytes: Buffer
  /** It may wait for an execution, which may take its time. */
  executes: boolean
}

/** How a request is made: as the description says, with a few faults, or against it. */
type Manner = 'fitting' | 'almost' | 'nonsense'

const strangeHeaders: [string, string][] = [
  ['Content-Type', 'text/plain'],
  ['Content-Type', 'application/json; charset=utf-16'],
  ['Content-Encoding', 'gzip'],
  ['Accept', 'application/xml'],
  ['Accept-Encoding', 'br;q=nonsense'],
  ['Origin', 'http://evil.example'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['If-Match', '"stale"'],
  ['If-Match', 'nonsense'],
  ['If-None-Match', '*'],
  ['Idempotency-Key', 'again'],
  ['Idempotency-Key', 'ä'],
  ['Idempotency-Key', 'x'.repeat(300)],
  ['Last-Event-ID', '99999999999999999999'],
  ['Last-Event-ID', '-1'],
  ['Authorization', 'Basic eDp5'],
  ['Authorization', 'Bearer nonsense'],
  ['X-Forwarded-For', '1.2.3.4, [::1]:99, nonsense'],
  ['Forwarded', 'for=_x;proto=https'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Range', 'bytes=0-'],
  ['Expect', '100-continue'],
  ['Upgrade', 'h2c'],
  ['Cookie', 'a=b'],
  ['Transfer-Encoding', 'identity'],
  ['X-Long', 'y'.repeat(4_000)],
]
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']

/** Makes whole HTTP/1.1 requests from the description of the API, as they go over the wire. */
export class Requests {
  readonly #random: Random
  readonly #values: Values
  readonly #names: Names
  readonly #operations: readonly Operation[]
  readonly #key: string

  /** @param key an API key that may do everything */
  constructor(parts: { random: Random; values: Values; names: Names; operations: readonly Operation[]; key: string }) {
    this.#random = parts.random
    this.#values = parts.values
    this.#names = parts.names
    this.#operations = parts.operations
    this.#key = parts.key
  }

  next(): FuzzRequest {
    const random = this.#random
    const operation = random.pick(this.#operations)
    const manner = random.pick<Manner>(['fitting', 'fitting', 'almost', 'almost', 'nonsense'])
    const isOdd = manner !== 'fitting' && random.next() < 0.1
    const method = isOdd ? random.pick(methods) : operation.method
    const path = this.#path(operation, manner) + this.#query(operation, manner)
    const body = operation.body && this.#body(operation.body, manner)
    const headers = this.#headers(operation, manner, body)
    const head = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
    return {
      method,
      operation: `${operation.method} ${operation.path}`,
      bytes: Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]),
      executes: /\/execute|\/events|\/export/.test(path),
    }
  }

  #path({ path, parameters }: Operation, manner: Manner): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const parameter = parameters.find((one) => one.in === 'path' && one.name === name)
      return encodeURIComponent(wellFormed(this.#parameter(parameter ?? { name, in: 'path', schema: { type: 'string' } }, manner)))
    })
    if (manner === 'fitting' || this.#random.next() < 0.8) return filled
    const at = Math.floor(this.#random.between(0, filled.length))
    const inserted = this.#random.pick(['/', '//', '%2F', '%', '%zz', '..', ';a=b', '%00', '\u00e4', '?', '*'])
    return filled.slice(0, at) + inserted + filled.slice(at)
  }

  #query({ parameters }: Operation, manner: Manner): string {
    const random = this.#random
    const chosen = parameters.filter((one) => one.in === 'query' && random.next() < 0.4)
    const pairs = chosen.map((one) => [one.name, this.#parameter(one, manner)])
    if (manner !== 'fitting' && random.next() < 0.3) pairs.push([this.#values.text(), this.#values.text()])
    if (manner !== 'fitting' && pairs.length > 0 && random.next() < 0.1) pairs.push(pairs[0]!)
    if (pairs.length === 0) return ''
    return `?${pairs.map((pair) => pair.map((text) => encodeURIComponent(wellFormed(text!))).join('=')).join('&')}`
  }

  #parameter({ name, schema }: Parameter, manner: Manner): string {
    if (manner === 'nonsense' || (manner === 'almost' && this.#random.next() < 0.3)) return this.#values.text()
    const known = this.#random.next() < 0.7 ? this.#names.any(name) : undefined
    return known ?? String(this.#values.fitting(schema))
  }

  #body(schema: Schema, manner: Manner): Buffer {
    const random = this.#random
    if (manner === 'fitting') return Buffer.from(JSON.stringify(this.#values.fitting(schema)))
    const value = manner === 'almost' ? this.#values.almostFitting(schema) : this.#values.any()
    const bytes = Buffer.from(JSON.stringify(value))
    return random.next() < 0.15 ? this.#broken(bytes) : bytes
  }

  /** Not what it was before in a byte or two, or not all of it. */
  #broken(bytes: Buffer): Buffer {
    const random = this.#random
    if (random.next() < 0.3) return bytes.subarray(0, Math.floor(random.between(0, bytes.length)))
    const broken = Buffer.from(bytes)
    for (let changes = 0; changes < 2 && broken.length > 0; changes++) {
      broken[Math.floor(random.between(0, broken.length))] = Math.floor(random.between(0, 256))
    }
    return broken
  }

  #headers({ parameters }: Operation, manner: Manner, body: Buffer | undefined): [string, string][] {
    const random = this.#random
    const headers: [string, string][] = [['Host', 'localhost']]
    if (manner === 'fitting' || random.next() < 0.95) headers.push(['Authorization', `Bearer ${this.#key}`])
    if (body) headers.push(['Content-Type', 'application/json'], ['Content-Length', String(body.length)])
    for (const { name, schema, in: where } of parameters) {
      if (where !== 'header' || random.next() < 0.9) continue
      headers.push([name, plain(manner === 'fitting' ? String(this.#values.fitting(schema)) : this.#values.text())])
    }
    if (manner === 'nonsense' && random.next() < 0.5) headers.push(random.pick(strangeHeaders))
    return headers
  }
}

/** Addresses cannot hold half of a character. */
const wellFormed = (text: string): string => text.toWellFormed()

/** A header cannot hold the end of a line. */
const plain = (text: string): string => text.replaceAll(/[\r\n\0]/g, ' ')
