import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { chatCompletion, chatWire, piecesOf, responsesWire, type Chunk } from './scripted-wire.ts'

/**
 * A model provider for tests and bench: a real HTTP server that speaks OpenAI's chat completions and Responses APIs and
 * does what its script says, failures and lies included.
 */
export interface ScriptedModel {
  /** Ends in `/v1`. */
  baseUrl: string
  /** In the order in which they came. */
  requests: RecordedRequest[]
  /** Appends replies; each serves one request. */
  script(...replies: ScriptedReply[]): void
  /** What is answered once the script is used up. */
  always(reply: ScriptedReply): void
  /** Also ends what still hangs. */
  close(): Promise<void>
}

export interface RecordedRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** Parsed JSON, or the text where it is none. */
  body: RequestBody
  /** The client went away before the reply was complete. */
  aborted: boolean
  /** Resolves when the connection of the reply is done with. */
  ended: Promise<'answered' | 'aborted'>
}

/** Whatever the client sent; the fields that tests look at. */
export interface RequestBody {
  model?: string
  stream?: boolean
  messages?: { role: string; content: unknown; [key: string]: unknown }[]
  input?: { [key: string]: unknown }[]
  [key: string]: unknown
}

export interface Usage {
  input: number
  output: number
}

export interface AnswerReply {
  text?: string
  /** Instead of `text`: each in an event of its own. */
  pieces?: string[]
  /** Before each piece. */
  delayMs?: number
  /** `arguments` is sent as it is, JSON or not. */
  toolCalls?: { name: string; arguments: string; id?: string }[]
  usage?: Usage
  /** In the words of the API that is asked: `length`, `content_filter`… */
  finishReason?: string
  /** Destroys the socket after so many pieces. */
  breakAfter?: number
  /** Falls silent after so many pieces, with the connection open. */
  hangAfter?: number
  /** Sends three bytes at a time, so also parts of a character. */
  stutter?: boolean
  lie?: 'no finish reason' | 'malformed JSON' | 'unknown shape' | 'no usage' | 'content type'
  /** An event in the middle of the stream, such as `{error: {message, code}}`. */
  streamError?: object
}

/** Any answer that is no model's: an error, or a body in another provider's format. */
export interface PlainReply {
  status: number
  headers?: Record<string, string>
  /** An object is sent as JSON, a string as it is. */
  body?: object | string
}

/** Takes the request and never answers. */
export interface HangingReply {
  hang: true
}

/** Whatever cannot be said in the words above: half a header, bytes that are no UTF-8. */
export interface RawReply {
  raw: (outgoing: ServerResponse) => void | Promise<void>
}

export type Reply = AnswerReply | PlainReply | HangingReply | RawReply
export type ScriptedReply = Reply | ((body: RequestBody, request: RecordedRequest) => Reply | Promise<Reply>)

const nothingScripted: PlainReply = { status: 500, body: { error: { message: 'The script has no reply for this request.' } } }

export async function startScriptedModel(): Promise<ScriptedModel> {
  const requests: RecordedRequest[] = []
  const queue: ScriptedReply[] = []
  let fallback: ScriptedReply = nothingScripted

  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error))
  })
  async function serve(incoming: IncomingMessage, outgoing: ServerResponse) {
    outgoing.socket?.setNoDelay(true)
    const request = await record(incoming, outgoing)
    requests.push(request)
    const scripted = queue.shift() ?? fallback
    await send(outgoing, request, typeof scripted === 'function' ? await scripted(request.body, request) : scripted)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    script: (...replies) => void queue.push(...replies),
    always: (reply) => void (fallback = reply),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function record(incoming: IncomingMessage, outgoing: ServerResponse): Promise<RecordedRequest> {
  const { promise: ended, resolve } = Promise.withResolvers<'answered' | 'aborted'>()
  const text = Buffer.concat(await incoming.toArray()).toString()
  const request: RecordedRequest = {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body: parsed(text) as RequestBody,
    aborted: false,
    ended,
  }
  outgoing.on('close', () => {
    request.aborted = !outgoing.writableFinished
    resolve(request.aborted ? 'aborted' : 'answered')
  })
  return request
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

async function send(outgoing: ServerResponse, request: RecordedRequest, reply: Reply): Promise<void> {
  if ('hang' in reply) return
  if ('raw' in reply) return reply.raw(outgoing)
  if ('status' in reply) return sendPlain(outgoing, reply)
  const model = request.body.model ?? ''
  if (request.path === '/v1/responses') return stream(outgoing, reply, responsesWire(reply, model))
  if (request.path !== '/v1/chat/completions') return sendPlain(outgoing, { status: 404, body: { error: { message: 'No such path.' } } })
  if (request.body.stream) return stream(outgoing, reply, chatWire(reply, model))
  return sendPlain(outgoing, { status: 200, body: chatCompletion(reply, model) })
}

function sendPlain(outgoing: ServerResponse, { status, headers, body = '' }: PlainReply): void {
  const isText = typeof body === 'string'
  outgoing.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers })
  outgoing.end(isText ? body : JSON.stringify(body))
}

async function stream(outgoing: ServerResponse, reply: AnswerReply, wire: ReturnType<typeof chatWire>): Promise<void> {
  outgoing.writeHead(200, { 'content-type': reply.lie === 'content type' ? 'text/html' : 'text/event-stream' })
  const write = reply.stutter ? stutter : (chunk: Chunk) => flush(outgoing, chunk)
  async function stutter(chunk: Chunk) {
    const bytes = Buffer.from(chunk)
    for (let at = 0; at < bytes.length; at += 3) {
      outgoing.write(bytes.subarray(at, at + 3))
      await turn()
    }
  }
  if (reply.lie === 'content type') return void outgoing.end('<html>Welcome to the proxy</html>')

  await write(wire.opening.join(''))
  for (const [index, piece] of piecesOf(reply).entries()) {
    if (reply.breakAfter === index) return breakOff(outgoing)
    if (reply.hangAfter === index) return
    if (reply.delayMs) await wait(reply.delayMs)
    if (outgoing.destroyed) return
    await write(wire.piece(piece))
  }
  if (reply.breakAfter !== undefined) return breakOff(outgoing)
  if (reply.hangAfter !== undefined) return
  await write(wire.closing.join(''))
  outgoing.end()
}

/** Waits while the client reads more slowly than we write; a client that went away is no reason to wait. */
async function flush(outgoing: ServerResponse, chunk: Chunk): Promise<void> {
  if (outgoing.write(chunk) || outgoing.destroyed) return
  await new Promise<void>((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done)
      resolve()
    }
    outgoing.on('drain', done).on('close', done)
  })
}

/** After a turn, because what was written in this one is still corked. */
async function breakOff(outgoing: ServerResponse): Promise<void> {
  await turn()
  outgoing.destroy()
}
