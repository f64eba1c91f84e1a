import { isUtf8 } from 'node:buffer'
import { MalformedBody } from '../errors.ts'
import { firstWrongByte, numberFault, place, quote } from './json-faults.ts'

/**
 * Reads JSON bytes once, front to back, before JSON.parse does, and refuses what JSON.parse would swallow or change:
 * a key that comes twice (the last would win), an integer that would come back as another one (a double holds 53 bits), a number that
 * overflows (it would become Infinity), a lone surrogate, and nesting that later recursion would not survive. Time is
 * linear in the length, and the depth is cut off early: ten megabytes of `[` cost 65 steps.
 *
 * Why no library: secure-json-parse, which Fastify uses, only looks for `__proto__`; JSON.parse's reviver sees an object
 * after its duplicate keys are gone; and the parsers that do keep duplicates or big numbers apart (lossless-json,
 * json-bigint, jsonc-parser) build the values in JavaScript, recursively and at a multiple of JSON.parse's time.
 */

export const MAX_DEPTH = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** A byte order mark may be ignored (RFC 8259 §8.1), and some editors write one. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** The value of a JSON document. Throws `MalformedBody` with the place of the first fault. */
export function readJson(document: Buffer): unknown {
  const bytes = document.subarray(0, 3).equals(BYTE_ORDER_MARK) ? document.subarray(3) : document
  if (!isUtf8(bytes)) throw new MalformedBody({ reason: `it is not UTF-8 (at byte ${firstWrongByte(bytes)})` })
  new Scanner(bytes).scan()
  return JSON.parse(bytes.toString('utf8'))
}

class Scanner {
  private readonly bytes: Buffer
  private at = 0
  /** The containers that are open: the keys seen so far of an object, null for an array. */
  private readonly open: (Set<string> | null)[] = []

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  scan(): void {
    do {
      this.skipSpace()
      if (!this.enterContainer()) this.scalar()
    } while (this.hasNextValue())
  }

  /** Steps into an object or array, up to its first value. False where a scalar or an empty container (now read) is. */
  private enterContainer(): boolean {
    for (;;) {
      const byte = this.bytes[this.at]
      if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) return false
      if (this.open.length === MAX_DEPTH) this.fail(`it is nested deeper than ${MAX_DEPTH} levels`)
      this.at += 1
      this.skipSpace()
      if (this.bytes[this.at] === (byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
        this.at += 1
        return true
      }
      this.open.push(byte === OPEN_BRACE ? new Set() : null)
      if (byte === OPEN_BRACE) this.key()
      this.skipSpace()
    }
  }

  /** After a value: closes what ends here. True if another value follows, false at the end of the document. */
  private hasNextValue(): boolean {
    for (;;) {
      this.skipSpace()
      const keys = this.open.at(-1)
      if (keys === undefined) {
        if (this.at < this.bytes.length) this.fail('something follows the end of the document')
        return false
      }
      const byte = this.bytes[this.at]
      if (byte === COMMA) {
        this.at += 1
        if (keys) this.key()
        return true
      }
      if (byte !== (keys ? CLOSE_BRACE : CLOSE_BRACKET)) this.fail(keys ? "',' or '}' is missing" : "',' or ']' is missing")
      this.at += 1
      this.open.pop()
    }
  }

  private key(): void {
    this.skipSpace()
    const start = this.at
    if (this.bytes[start] !== QUOTE) this.fail('a key in double quotes is missing')
    const escaped = this.string()
    const raw = this.bytes.toString('utf8', start, this.at)
    // Compared as decoded: "a" and "\u0061" are one key.
    const key = escaped ? (JSON.parse(raw) as string) : raw.slice(1, -1)
    const keys = this.open.at(-1)!
    if (keys.has(key)) this.fail(`the key ${quote(raw)} comes twice in one object`, start)
    keys.add(key)
    this.skipSpace()
    if (this.bytes[this.at] !== COLON) this.fail(`':' is missing after the key ${quote(raw)}`)
    this.at += 1
  }

  private scalar(): void {
    const byte = this.bytes[this.at]
    if (byte === QUOTE) this.string()
    else if (byte === 0x74) this.literal('true')
    else if (byte === 0x66) this.literal('false')
    else if (byte === 0x6e) this.literal('null')
    else if (byte === 0x2d || isDigit(byte)) this.number()
    else this.fail(byte === undefined ? 'it ends too early' : 'a value is missing')
  }

  private literal(text: string): void {
    if (this.bytes.toString('latin1', this.at, this.at + text.length) !== text) this.fail('a value is missing')
    this.at += text.length
  }

  /** Reads a string, and tells whether it has escapes. */
  private string(): boolean {
    const start = this.at
    let escaped = false
    this.at += 1
    for (;;) {
      const byte = this.bytes[this.at]
      if (byte === undefined) this.fail('a text is not closed', start)
      if (byte === QUOTE) break
      if (byte < 0x20) this.fail('a control character within a text is not escaped')
      if (byte === BACKSLASH) {
        this.escape()
        escaped = true
      } else this.at += 1
    }
    this.at += 1
    return escaped
  }

  private escape(): void {
    const letter = this.bytes[this.at + 1]
    if (letter !== 0x75) {
      if (letter === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(letter))) this.fail('an escape is not one of JSON')
      this.at += 2
      return
    }
    const unit = this.codeUnit(this.at)
    // PostgreSQL has no text with U+0000; that a workflow is portable between the engines is worth more than the character.
    if (unit === 0) this.fail('a text contains U+0000, which cannot be stored')
    if (unit < 0xd800 || unit > 0xdfff) this.at += 6
    else if (unit < 0xdc00 && isLowSurrogate(this.codeUnit(this.at + 6))) this.at += 12
    else this.fail('half of a surrogate pair stands alone')
  }

  /** The code unit of the `\uXXXX` that begins at an offset, or -1 where there is none. */
  private codeUnit(offset: number): number {
    const text = this.bytes.toString('latin1', offset, offset + 6)
    if (/^\\u[0-9a-fA-F]{4}$/.test(text)) return Number.parseInt(text.slice(2), 16)
    if (offset === this.at) this.fail('an escape is not one of JSON')
    return -1
  }

  private number(): void {
    const start = this.at
    if (this.bytes[this.at] === 0x2d) this.at += 1
    if (this.bytes[this.at] === 0x30) this.at += 1
    else this.digits()
    const wholeEnd = this.at
    if (this.bytes[this.at] === 0x2e) {
      this.at += 1
      this.digits()
    }
    if (((this.bytes[this.at] ?? 0) | 0x20) === 0x65) {
      this.at += 1
      const sign = this.bytes[this.at]
      if (sign === 0x2b || sign === 0x2d) this.at += 1
      this.digits()
    }
    const isInteger = wholeEnd === this.at
    // Up to 15 digits are exact, so a short literal can only overflow, which takes an exponent.
    if (isInteger && this.at - start <= 15) return
    const fault = numberFault(this.bytes.toString('latin1', start, this.at), isInteger)
    if (fault) this.fail(fault, start)
  }

  private digits(): void {
    const start = this.at
    while (isDigit(this.bytes[this.at])) this.at += 1
    if (this.at === start) this.fail('a digit is missing')
  }

  private skipSpace(): void {
    for (;;) {
      const byte = this.bytes[this.at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
      this.at += 1
    }
  }

  private fail(what: string, at = this.at): never {
    throw new MalformedBody({ reason: `${what} (${place(this.bytes, at)})` })
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
