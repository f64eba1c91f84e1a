import { connect, type Socket } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')
const CHUNKED_END = Buffer.from('\r\n0\r\n\r\n')

export interface ConnectionOptions {
  port: number
  /** Sent again and again, as it is. */
  request: Buffer
  onAnswer: (status: number) => void
  /** The connection broke while an answer was awaited, or could not be made. */
  onBreak: (error: string) => void
}

/**
 * One HTTP/1.1 connection with at most one request in flight. It reads no more of an answer than where it ends, so that
 * the generator takes as little of the machine as it can.
 */
export class Connection {
  readonly #options: ConnectionOptions
  #socket: Socket | undefined
  /** What has arrived of an answer that is not whole yet. */
  #partial: Buffer | undefined
  #isWaiting = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get isWaiting(): boolean {
    return this.#isWaiting
  }

  send(): void {
    this.#isWaiting = true
    this.#socket ??= this.#open()
    this.#socket.write(this.#options.request)
  }

  close(): void {
    this.#socket?.removeAllListeners('close').destroy()
    this.#socket = undefined
  }

  #open(): Socket {
    let error = 'closed'
    return connect(this.#options.port, '127.0.0.1')
      .setNoDelay(true)
      .on('data', (chunk: Buffer) => this.#read(chunk))
      .on('error', (cause: NodeJS.ErrnoException) => (error = cause.code ?? cause.message))
      .on('close', () => {
        this.#socket = undefined
        this.#partial = undefined
        if (!this.#isWaiting) return
        this.#isWaiting = false
        this.#options.onBreak(error)
      })
  }

  #read(chunk: Buffer): void {
    const bytes = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk
    if (!isWhole(bytes)) {
      this.#partial = bytes
      return
    }
    this.#partial = undefined
    this.#isWaiting = false
    // "HTTP/1.1 200 …"
    this.#options.onAnswer(Number(bytes.toString('latin1', 9, 12)))
  }
}

function isWhole(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1]
  if (length !== undefined) return bytes.length >= headEnd + 4 + Number(length)
  return bytes.subarray(-CHUNKED_END.length).equals(CHUNKED_END)
}
