// The process that floods the server. A connection that the server ends is made again.
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Flood, FloodKind, FloodResult } from './flooder.ts'

/** How often a slow client sends a byte. */
const BYTE_EVERY_MS = 1_000
/** How soon a connection is made again. What is flooded here is patience: whoever comes back at once is a load, of which there is another torture. */
const COME_BACK_MS = 30_000
/** Connections made at the same time. */
const AT_ONCE = 100
const LARGE = 9_900_000

const postHead = (framing: string): string =>
  `POST /api/workflows/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`

/** What is sent at first over a connection, and whether bytes follow now and then. */
const floods: Record<FloodKind, { first: () => (string | Buffer)[]; drip?: string }> = {
  'slow heads': { first: () => ['GET /hc HTTP/1.1\r\nHost: localhost\r\nX: '], drip: 'x' },
  'slow bodies': { first: () => [postHead('Content-Length: 1000'), '{'], drip: ' ' },
  'unfinished large bodies': { first: () => [postHead(`Content-Length: ${LARGE}`), Buffer.alloc(LARGE - 1, ' ')], drip: '' },
  crumbs: { first: () => [postHead('Transfer-Encoding: chunked'), '1\r\n \r\n'.repeat(500_000)] },
  silence: { first: () => [] },
  'unread answers': { first: () => ['GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50)] },
  nonsense: { first: () => [Buffer.from([0, 1, 2, 0xff, 0xfe]), 'GET / HTTP/7\r\n\r\n'] },
}

class Flooding {
  readonly #flood: Flood
  readonly #sockets = new Set<Socket>()
  readonly #dripping: NodeJS.Timeout
  #made = 0
  #ended = 0
  #isOver = false

  constructor(flood: Flood) {
    this.#flood = flood
    const { drip } = floods[flood.kind]
    // Not all in the same moment.
    const drips = [...Array(10).keys()]
    this.#dripping = setInterval(() => drip && this.#drip(drip, drips.push(drips.shift()!) && drips[0]!), BYTE_EVERY_MS / drips.length)
  }

  async begin(): Promise<void> {
    for (let made = 0; made < this.#flood.connections; made += AT_ONCE) {
      const count = Math.min(AT_ONCE, this.#flood.connections - made)
      await Promise.all(Array.from({ length: count }, () => new Promise<void>((resolve) => this.#open(resolve))))
    }
  }

  end(): FloodResult {
    this.#isOver = true
    clearInterval(this.#dripping)
    for (const socket of this.#sockets) socket.resetAndDestroy()
    return { made: this.#made, ended: this.#ended }
  }

  #open(onOpen: () => void = () => undefined): void {
    const { port, kind } = this.#flood
    this.#made++
    const socket = connect(port, '127.0.0.1')
    this.#sockets.add(socket)
    if (kind === 'unread answers') socket.pause()
    else socket.resume()
    socket.on('connect', () => {
      for (const part of floods[kind].first()) socket.write(part)
      onOpen()
    })
    socket.on('error', () => onOpen())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (this.#isOver) return
      this.#ended++
      void delay(COME_BACK_MS).then(() => this.#isOver || this.#open())
    })
  }

  #drip(bytes: string, turn: number): void {
    let index = 0
    for (const socket of this.#sockets) if (index++ % 10 === turn && socket.writable) socket.write(bytes)
  }
}

let flooding: Flooding | undefined
process.on('message', (message: Flood | 'enough') => {
  if (message === 'enough') return void process.send!(flooding!.end())
  flooding = new Flooding(message)
  void flooding.begin().then(() => process.send!('begun'))
})
process.on('disconnect', () => process.exit())
