import { connect, type Socket } from 'node:net'

export interface WireAnswer {
  status: number
  headers: Record<string, string>
  /** Of a stream of events only what came at first. */
  body: string
}

export type Outcome = WireAnswer | { failure: 'closed' | 'late' | 'reset' }

/** One connection with one request at a time, which takes whatever bytes it is given. A new one is made when it was closed. */
export class Wire {
  readonly #port: number
  #socket: Socket | undefined
  #received = ''
  #settle: ((outcome: Outcome) => void) | undefined
  #method = ''

  constructor(port: number) {
    this.#port = port
  }

  /**
   * @param patience milliseconds; then the connection is given up
   * @param isLast no more is sent: who waits for the rest of what is not whole is told that there is none
   */
  ask(bytes: Buffer, method: string, patience: number, isLast = false): Promise<Outcome> {
    this.#received = ''
    this.#method = method
    return new Promise((resolve) => {
      const late = setTimeout(() => this.#end({ failure: 'late' }), patience)
      this.#settle = (outcome) => {
        clearTimeout(late)
        this.#settle = undefined
        resolve(outcome)
      }
      this.#socket ??= this.#open()
      if (isLast) this.#socket.end(bytes)
      else this.#socket.write(bytes)
    })
  }

  close(): void {
    // No end is waited for: a hundred thousand of them would be.
    this.#socket?.resetAndDestroy()
    this.#socket = undefined
  }

  #open(): Socket {
    const socket = connect(this.#port, '127.0.0.1').setNoDelay(true)
    const isMine = (): boolean => this.#socket === socket
    socket.on('data', (chunk: Buffer) => isMine() && this.#take(chunk.toString('latin1')))
    socket.on('error', () => isMine() && this.#end({ failure: 'reset' }))
    socket.on('close', () => isMine() && this.#end({ failure: 'closed' }))
    return socket
  }

  #take(text: string): void {
    this.#received += text
    const answer = readAnswer(this.#received, this.#method)
    if (!answer) return
    const mayStay = answer.isWhole && !/\bclose\b/i.test(answer.headers['connection'] ?? '')
    this.#end(answer, mayStay)
  }

  #end(outcome: Outcome, mayStay = false): void {
    if (!mayStay) this.close()
    this.#settle?.(outcome)
  }
}

/** Undefined as long as it has not come whole. What only tells to go on is none. */
export function readAnswer(received: string, method: string): (WireAnswer & { isWhole: boolean }) | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [line = '', ...rest] = received.slice(0, headEnd).split('\r\n')
  const status = Number(line.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
  const after = received.slice(headEnd + 4)
  if (status < 200) return readAnswer(after, method)
  const headers = Object.fromEntries(
    rest.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 1).trim()]),
  )
  if (method === 'HEAD' || status === 204 || status === 304) return { status, headers, body: '', isWhole: true }
  const length = headers['content-length']
  if (length !== undefined)
    return after.length < Number(length) ? undefined : { status, headers, body: after.slice(0, Number(length)), isWhole: true }
  if (after.endsWith('0\r\n\r\n')) return { status, headers, body: unchunked(after), isWhole: true }
  // A stream goes on for as long as it likes.
  return after.includes('\n\n') ? { status, headers, body: after, isWhole: false } : undefined
}

function unchunked(text: string): string {
  let body = ''
  for (let rest = text; ;) {
    const end = rest.indexOf('\r\n')
    const length = Number.parseInt(rest.slice(0, end), 16)
    if (!(length > 0)) return body
    body += rest.slice(end + 2, end + 2 + length)
    rest = rest.slice(end + 2 + length + 2)
  }
}
