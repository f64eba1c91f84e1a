/** What is wrong in a JSON document, and where, in words. */

/** The longest integer that can be finite: the largest double is below 1.8e308. */
const MAX_DIGITS = 309

/** Why a number literal cannot be kept as it was sent, or undefined where it can. */
export function numberFault(text: string, isInteger: boolean): string | undefined {
  // BigInt takes more than linear time, so what cannot be finite is not given to it.
  if (isInteger && text.length > MAX_DIGITS + 1) return 'a number is too large'
  const value = Number(text)
  if (!Number.isFinite(value)) return 'a number is too large'
  // Kept are the value (2**70 in full) or the digits (what JavaScript itself prints of a double, which is rounded).
  if (!isInteger || BigInt(text) === BigInt(value) || String(value) === text) return undefined
  return `the integer ${quote(text)} is too large to be kept as it is; send it as a text`
}

export function quote(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text
}

/** Line and column, both from 1, as editors count them: columns are characters, not bytes. */
export function place(bytes: Buffer, at: number): string {
  let line = 1
  let lineStart = 0
  for (let next = bytes.indexOf(0x0a); next !== -1 && next < at; next = bytes.indexOf(0x0a, next + 1)) {
    line += 1
    lineStart = next + 1
  }
  return `line ${line}, column ${bytes.toString('utf8', lineStart, at).length + 1}`
}

/** Decoding replaces what is wrong by U+FFFD; the first that the bytes do not spell out themselves is the place. */
export function firstWrongByte(bytes: Buffer): number {
  const text = bytes.toString('utf8')
  let offset = 0
  let from = 0
  for (let at = text.indexOf('\ufffd'); at !== -1; at = text.indexOf('\ufffd', from)) {
    offset += Buffer.byteLength(text.slice(from, at))
    if (!bytes.subarray(offset, offset + 3).equals(Buffer.from('\ufffd'))) return offset
    offset += 3
    from = at + 1
  }
  return offset
}
