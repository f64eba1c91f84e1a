import { AnswerTooLarge } from './answer-too-large.ts'

/** What pours the bytes of an answer, and can be held back. */
export interface Inflow {
  pause(): void
  resume(): void
  /** What is still on its way is not wanted: its connection is closed. */
  stop(): void
  /** What the reader gets instead of an error. */
  translate(error: Error): Error
}

export interface BodyLimit {
  bytes: number
  /**
   * Bytes of one line, which waits here until it is complete, and then is parsed at once. Undefined where lines mean nothing
   * to whoever reads: bytes are passed on as they come.
   */
  line: number | undefined
  /** Whether an answer with more bytes is a failure, or only its beginning of interest. */
  beyond: 'failure' | 'of no interest'
}

const LF = 10
const CR = 13

/** So many bytes are passed on at once, or one line; then everybody else has a turn. Events of 20 bytes take 20 ms to parse. */
const SLICE_BYTES = 16_384
/** From so many bytes on that could be passed on, the connection is not read. */
const MOST_WAITING_BYTES = 65_536
const FIRST_ROOM_BYTES = 4_096

/**
 * The body of an answer, from a connection that pushes to a stream that is pulled. What comes together goes on together,
 * because each piece costs the parsers behind it more than its bytes do; a line that is not complete waits here, because
 * they could do nothing with it. In memory there are at most two lines of the greatest length and about 200 kB.
 */
export class AnswerBody {
  readonly stream: ReadableStream<Uint8Array>
  readonly #inflow: Inflow
  readonly #limit: BodyLimit
  readonly #onDone: () => void
  #controller!: ReadableStreamDefaultController<Uint8Array>
  // Only ever written behind #length: the stream gives out parts of it.
  #room = new Uint8Array(0)
  #start = 0
  /** Where the last complete line ends. */
  #complete = 0
  #length = 0
  #received = 0
  #wanted = false
  #passing = false
  /** More than a slice was there. */
  #behind = false
  #paused = false
  #ended = false
  #done = false

  /** @param onDone told once, when the stream has ended, failed or been cancelled */
  constructor(inflow: Inflow, limit: BodyLimit, onDone: () => void) {
    this.#inflow = inflow
    this.#limit = limit
    this.#onDone = onDone
    this.stream = new ReadableStream(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => {
          this.#wanted = true
          this.#passOn()
        },
        cancel: () => {
          this.#finish()
          inflow.stop()
        },
      },
      { highWaterMark: 0 },
    )
  }

  take(bytes: Uint8Array): void {
    if (this.#ended || this.#done) return
    const allowed = this.#limit.bytes - this.#received
    this.#received += bytes.length
    if (bytes.length <= allowed) return this.#gather(bytes)
    if (this.#limit.beyond === 'of no interest') this.#gather(bytes.subarray(0, allowed))
    this.exceed('The answer')
  }

  /** There is more than the limit. @param what of it */
  exceed(what: string): void {
    if (this.#limit.beyond === 'failure') return this.#refuse(`${what} is larger than ${this.#limit.bytes} bytes`)
    this.end()
    this.#inflow.stop()
  }

  /** All bytes have come. */
  end(): void {
    if (this.#done) return
    this.#ended = true
    this.#complete = this.#length
    this.#passOn()
  }

  /** What has not been passed on is lost: a part of an answer is worth nothing. Once all bytes have come there is nothing to fail. */
  fail(error: Error): void {
    if (this.#done || this.#ended) return
    this.#finish()
    this.#controller.error(this.#inflow.translate(error))
  }

  #refuse(what: string): void {
    this.fail(new AnswerTooLarge(`${what}, which is the most that is read.`))
    this.#inflow.stop()
  }

  #gather(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length)
    this.#room.set(bytes, this.#length)
    const most = this.#limit.line
    const line = most === undefined ? bytes.length : Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1
    if (line > 0) this.#complete = this.#length + line
    this.#length += bytes.length
    if (most !== undefined && this.#length - this.#complete > most) return this.#refuse(`A line of the answer is longer than ${most} bytes`)
    if (!this.#paused && this.#complete - this.#start >= MOST_WAITING_BYTES) {
      this.#paused = true
      this.#inflow.pause()
    }
    this.#passOn()
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#room.length) return
    const kept = this.#room.subarray(this.#start, this.#length)
    this.#room = new Uint8Array(Math.max(FIRST_ROOM_BYTES, 2 * (kept.length + more)))
    this.#room.set(kept)
    this.#complete -= this.#start
    this.#length -= this.#start
    this.#start = 0
  }

  #passOn(): void {
    if (!this.#wanted || this.#passing || this.#done) return
    if (this.#complete === this.#start && !this.#ended) return
    this.#passing = true
    // When microtasks run, all that one read of the socket brought is here.
    const soon = this.#behind ? setImmediate : queueMicrotask
    soon(() => {
      this.#passing = false
      if (!this.#done) this.#pass()
    })
  }

  #pass(): void {
    const end = this.#endOfSlice()
    if (end > this.#start) {
      const slice = this.#room.subarray(this.#start, end)
      this.#start = end
      this.#behind = end < this.#complete
      this.#wanted = false
      this.#controller.enqueue(slice)
    }
    if (this.#ended && this.#start === this.#length) {
      this.#finish()
      this.#controller.close()
    } else if (this.#paused && this.#complete - this.#start < MOST_WAITING_BYTES / 2) {
      this.#paused = false
      this.#inflow.resume()
    }
  }

  #endOfSlice(): number {
    const most = this.#start + SLICE_BYTES
    if (this.#complete <= most) return this.#complete
    if (this.#limit.line === undefined) return most
    const within = this.#room.lastIndexOf(LF, most - 1)
    if (within >= this.#start) return within + 1
    const beyond = this.#room.indexOf(LF, most)
    return beyond === -1 || beyond >= this.#complete ? this.#complete : beyond + 1
  }

  #finish(): void {
    if (this.#done) return
    this.#done = true
    this.#room = new Uint8Array(0)
    this.#onDone()
  }
}
