// @ts-check

/**
 * What goes through the pipes between the server and a process of the sandbox: frames of a head, which is JSON, and a body of bytes. Each begins
 * with both lengths, four bytes each. Not Node's own channel between processes, which reads whatever comes, however much it is: whoever had
 * broken out of the virtual machine could fill the server's memory through it.
 */

const LENGTHS = 8

/** The other side sends what it never should; nothing of it can be trusted any more. */
export class BadFrame extends Error {}

/**
 * @param {object} head
 * @param {Uint8Array} [body]
 * @returns {Uint8Array[]} to be written one after the other
 */
export function encodeFrame(head, body = new Uint8Array()) {
  const headBytes = Buffer.from(JSON.stringify(head))
  const lengths = Buffer.alloc(LENGTHS)
  lengths.writeUInt32BE(headBytes.length, 0)
  lengths.writeUInt32BE(body.length, 4)
  return body.length > 0 ? [lengths, headBytes, body] : [lengths, headBytes]
}

/** Puts the frames together that come in pieces. */
export class FrameReader {
  /** @type {Buffer[]} */
  #pieces = []
  #length = 0
  #limits
  #onFrame

  /**
   * @param {{ head: number, body: number }} limits in bytes
   * @param {(head: unknown, body: Buffer) => void} onFrame
   */
  constructor(limits, onFrame) {
    this.#limits = limits
    this.#onFrame = onFrame
  }

  /**
   * @param {Buffer} bytes
   * @throws {BadFrame} before anything is kept that is longer than the limits
   */
  take(bytes) {
    this.#pieces.push(bytes)
    this.#length += bytes.length
    while (this.#takeFrame());
  }

  #takeFrame() {
    if (this.#length < LENGTHS) return false
    const lengths = this.#peek(LENGTHS)
    const head = lengths.readUInt32BE(0)
    const body = lengths.readUInt32BE(4)
    if (head > this.#limits.head || body > this.#limits.body) throw new BadFrame(`A frame of ${head} and ${body} bytes came.`)
    if (this.#length < LENGTHS + head + body) return false
    const all = this.#peek(this.#length)
    const rest = all.subarray(LENGTHS + head + body)
    this.#pieces = rest.length > 0 ? [rest] : []
    this.#length = rest.length
    this.#onFrame(parse(all.subarray(LENGTHS, LENGTHS + head)), all.subarray(LENGTHS + head, LENGTHS + head + body))
    return true
  }

  /**
   * The pieces are joined only when that many bytes are wanted, so a long frame is copied once.
   * @param {number} length
   */
  #peek(length) {
    const [first] = this.#pieces
    if (first !== undefined && first.length >= length) return first
    const joined = Buffer.concat(this.#pieces)
    this.#pieces = [joined]
    return joined
  }
}

/** @param {Buffer} head @returns {unknown} */
function parse(head) {
  try {
    return JSON.parse(head.toString())
  } catch {
    throw new BadFrame('A frame came whose head is not JSON.')
  }
}
