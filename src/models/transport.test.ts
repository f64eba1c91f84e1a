import { getEventListeners, once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { Agent } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { modelRequest } from '../../test/support/model-request.ts'
import { startScriptedModel, type RawReply, type Reply, type ScriptedModel } from '../../test/support/scripted-model.ts'
import { dispatchTo } from './connections.ts'
import { ModelCallError } from './model-call-error.ts'
import type { ModelRequest } from './model.ts'
import { createModels } from './providers.ts'
import { createTransport } from './transport.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.close())
afterEach(() => {
  vi.unstubAllEnvs()
})

const last = () => server.requests.at(-1)!

function ask(fields: Partial<ModelRequest> = {}, fetch = createTransport(), baseUrl = server.baseUrl) {
  const models = createModels({ defaultModel: 'demo/echo', openaiBaseUrl: baseUrl, openaiApiKey: 'sk-test' }, fetch)
  return models.call(modelRequest('openai/gpt-4o', fields))
}

async function failed(call: Promise<unknown>) {
  const outcome = await call.catch((error: unknown) => error)
  if (!(outcome instanceof ModelCallError)) throw new Error(`expected a failed call, got ${String(outcome)}`)
  return { code: outcome.error.code, retryable: outcome.retryable, message: outcome.error.message }
}

const event = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
const answerOf = (text: string) => event({ content: text }) + event({}, 'stop')

/** Sends the same again and again, no faster than it is read, until the client has had enough. */
function pours(part: string, status = 200): RawReply & { written(): number } {
  let written = 0
  return {
    written: () => written,
    raw: async (outgoing) => {
      outgoing.writeHead(status, { 'content-type': 'text/event-stream' })
      while (!outgoing.destroyed) {
        written += part.length
        if (outgoing.write(part)) continue
        const waiting = new AbortController()
        await Promise.race(['drain', 'close'].map((name) => once(outgoing, name, waiting)))
        waiting.abort()
      }
    },
  }
}

/** A server of bare sockets, for what no HTTP server does. */
async function listen(server: Server): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, sockets }
}

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
const whole = (body: string) => `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Answers each request on a connection with these bytes, without looking at what was asked. */
const answersWith = (reply: (socket: Socket) => void) =>
  createServer((socket) => {
    socket.on('data', (bytes) => {
      if (bytes.includes('"stream":true')) reply(socket)
    })
  })

describe('an answer without bounds', () => {
  it('of more bytes than the limit fails for good, and its connection is closed', async () => {
    server.script(pours(event({ reasoning_content: 'Hm. ' })))
    const failure = await failed(ask({}, createTransport({ answer: 200_000 })))
    expect(failure).toMatchObject({ code: 'model_failed', retryable: false })
    expect(failure.message).toContain('larger than 200000 bytes')
    expect(await last().ended).toBe('aborted')
  })

  it('of one line fails for good, and its connection is closed', async () => {
    server.script(pours('x'.repeat(10_000)))
    const failure = await failed(ask({}, createTransport({ line: 200_000 })))
    expect(failure).toMatchObject({ code: 'model_failed', retryable: false })
    expect(failure.message).toContain('longer than 200000 bytes')
    expect(await last().ended).toBe('aborted')
  })

  it('of text fails for good, and no more of it is passed on', async () => {
    server.script(pours(event({ content: 'x'.repeat(100_000) })))
    let length = 0
    const failure = await failed(ask({ onText: (piece) => void (length += piece.length) }))
    expect(failure).toMatchObject({ code: 'model_failed', retryable: false })
    expect(failure.message).toContain('longer than 10000000 characters')
    expect(length).toBe(10_000_000)
    expect(await last().ended).toBe('aborted')
  })

  it('of arguments fails for good', async () => {
    const call = { index: 0, id: 'c', function: { name: 'search', arguments: 'x'.repeat(100_000) } }
    server.script(pours(event({ tool_calls: [call] })))
    expect(await failed(ask())).toMatchObject({ code: 'model_failed', retryable: false })
  })

  it.each([500, 400])('after status %i is read as far as a reason can be, and no further', async (status) => {
    const reply = pours('It is full. '.repeat(5_000), status)
    server.script(reply)
    const failure = await failed(ask())
    expect(failure).toMatchObject({ code: status === 500 ? 'model_failed' : 'model_refused', retryable: status === 500 })
    expect(failure.message).toContain('It is full. It is full.')
    expect(await last().ended).toBe('aborted')
    // What the two sockets hold, and what was read.
    expect(reply.written()).toBeLessThan(20_000_000)
  })

  it('is not read while nobody takes it', async () => {
    const reply = pours('data: x\n\n'.repeat(5_000))
    server.script(reply)
    const cancel = new AbortController()
    const fetch = createTransport()
    const { body } = await fetch(`${server.baseUrl}/chat/completions`, { method: 'POST', headers: {}, body: '{}', signal: cancel.signal })
    await body!.getReader().read()
    let before = -1
    await vi.waitFor(() => {
      const now = reply.written()
      const stands = now === before
      before = now
      expect(stands).toBe(true)
    })
    expect(before).toBeLessThan(20_000_000)
    cancel.abort()
    expect(await last().ended).toBe('aborted')
  })
})

describe('a call that is aborted', () => {
  const reason = new Error('the execution has ended')

  it.each<[string, Reply]>([
    ['while its answer is awaited', { hang: true }],
    ['in the head of its answer', { raw: (outgoing) => void outgoing.socket!.write(`${head}X-More`) }],
    ['before the first piece', { pieces: ['a'], hangAfter: 0 }],
    ['in the middle of its answer', { pieces: ['a', 'b'], hangAfter: 1 }],
    ['in a refusal', { raw: (outgoing) => void outgoing.writeHead(500, { 'content-length': 10 }).write('{"err') }],
    [
      'in a packed answer',
      { raw: (outgoing) => void outgoing.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync('x').subarray(0, 9)) },
    ],
  ])('%s rejects with the reason, and its connection is closed', async (_, reply) => {
    const before = server.requests.length
    const sent = Promise.withResolvers<void>()
    server.script(() => {
      setImmediate(sent.resolve)
      return reply
    })
    const cancel = new AbortController()
    const outcome = ask({ signal: cancel.signal }).catch((error: unknown) => error)
    await sent.promise
    expect(server.requests.length).toBe(before + 1)
    cancel.abort(reason)
    expect(await outcome).toBe(reason)
    expect(await last().ended).toBe('aborted')
  })

  it('while it is connecting rejects at once, and never sends anything', async () => {
    const received: unknown[] = []
    const closed = Promise.withResolvers<void>()
    const { url, sockets } = await listen(
      createServer((socket) => socket.on('data', (bytes) => received.push(bytes)).on('close', () => closed.resolve())),
    )
    const asked = Promise.withResolvers<() => void>()
    const agent = new Agent({
      connect: ({ hostname, port }, callback) =>
        asked.resolve(() => {
          const socket = connect(Number(port), hostname, () => callback(null, socket))
        }),
    })
    const cancel = new AbortController()
    const transport = createTransport({}, () => Promise.resolve(dispatchTo(agent)))
    const outcome = ask({ signal: cancel.signal }, transport, url).catch((error: unknown) => error)
    const goOn = await asked.promise
    cancel.abort(reason)
    expect(await outcome).toBe(reason)
    expect(sockets).toEqual([])
    goOn()
    await closed.promise
    expect(received).toEqual([])
  })

  it('leaves nothing on the signal once it has ended, in whatever way', async () => {
    const { signal } = new AbortController()
    const fetch = createTransport()
    const call = () => fetch(`${server.baseUrl}/chat/completions`, { method: 'POST', headers: {}, body: '{"stream":true}', signal })
    server.script(
      { text: 'ok' },
      { text: 'ok', breakAfter: 1 },
      { status: 204 },
      { status: 500, body: 'x'.repeat(100_000) },
      { text: 'ok' },
    )
    for (const read of [true, true, true, true, false]) {
      const { body } = await call()
      if (read) await new Response(body).text().catch(() => undefined)
      else await body!.cancel()
    }
    await vi.waitFor(() => expect(getEventListeners(signal, 'abort')).toEqual([]))
  })
})

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('with status %i is not followed, and names where it leads', async (status) => {
    const other = await startScriptedModel()
    onTestFinished(() => other.close())
    server.script({ status, headers: { location: `${other.baseUrl}/login?key=sk-test` } })
    const failure = await failed(ask())
    expect(failure).toMatchObject({ code: 'model_refused', retryable: false })
    expect(failure.message).toContain(`${status}`)
    expect(failure.message).toContain(`It redirects to ${other.baseUrl}/login, and redirects are not followed.`)
    expect(other.requests).toEqual([])
  })

  it('without a target says so by its status', async () => {
    server.script({ status: 304 })
    expect(await failed(ask())).toMatchObject({ code: 'model_refused', message: expect.stringContaining('Not Modified.') })
  })
})

describe('an answer that is packed', () => {
  const packers = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const
  const packed = (encoding: string, bytes: Buffer, status = 200): RawReply => ({
    raw: (outgoing) => void outgoing.writeHead(status, { 'content-encoding': encoding }).end(bytes),
  })

  it.each(packers)('by %s is read, although nobody asked for it', async (encoding, pack) => {
    const text = 'Grüße 😀 '.repeat(20_000)
    server.script(packed(encoding, pack(answerOf(text))))
    expect((await ask()).text).toBe(text)
    expect(last().headers['accept-encoding']).toBe('identity')
  })

  it.each(packers)('by %s is limited by what it is unpacked', async (encoding, pack) => {
    const reply = packed(encoding, pack(event({ reasoning_content: 'Hm. ' }).repeat(20_000)))
    server.script(reply)
    const failure = await failed(ask({}, createTransport({ answer: 200_000 })))
    expect(failure).toMatchObject({ code: 'model_failed', retryable: false })
    expect(failure.message).toContain('larger than 200000 bytes')
  })

  it('is read in a refusal, too', async () => {
    server.script(packed('gzip', gzipSync(JSON.stringify({ error: { message: 'No, thanks' } })), 401))
    expect((await failed(ask())).message).toContain('No, thanks.')
  })

  it('otherwise than it says may be asked again', async () => {
    server.script(packed('gzip', Buffer.from(answerOf('plain'))))
    const failure = await failed(ask())
    expect(failure).toMatchObject({ code: 'model_failed', retryable: true })
    expect(failure.message).toContain('not packed as it says')
  })

  it('in a way that nobody knows is read as it is', async () => {
    server.script(packed('rot13', Buffer.from(answerOf('plain'))))
    expect((await ask()).text).toBe('plain')
  })
})

describe('a connection', () => {
  it('serves one call after the other', async () => {
    const { url, sockets } = await listen(answersWith((socket) => socket.write(whole(answerOf('ok')))))
    const transport = createTransport()
    for (const _ of [1, 2, 3]) {
      expect((await ask({}, transport, url)).text).toBe('ok')
      // It is only taken for free when the event loop has come around, in case that the server closes it after all.
      await new Promise(setImmediate)
    }
    expect(sockets).toHaveLength(1)
  })

  it('that was closed between two calls is replaced', async () => {
    const { url, sockets } = await listen(answersWith((socket) => socket.write(whole(answerOf('ok')))))
    const transport = createTransport()
    await ask({}, transport, url)
    sockets[0]!.destroy()
    await once(sockets[0]!, 'close')
    // Until the event loop has come around, the client cannot know.
    await new Promise(setImmediate)
    expect((await ask({}, transport, url)).text).toBe('ok')
    expect(sockets).toHaveLength(2)
  })

  it('that is closed once the request has come fails the call: it may have had its effect', async () => {
    let requests = 0
    const { url } = await listen(
      answersWith((socket) => {
        if (++requests === 1) socket.write(whole(answerOf('ok')))
        else socket.destroy()
      }),
    )
    const transport = createTransport()
    await ask({}, transport, url)
    expect(await failed(ask({}, transport, url))).toMatchObject({ code: 'model_failed', retryable: true })
    expect(requests).toBe(2)
  })

  it('is each call its own: 32 at once get each its answer', async () => {
    const replies = Array.from({ length: 32 }, (_, index) => index)
    server.script(
      ...replies.map(() => (body: { messages?: { content: unknown }[] }) => ({ text: String(body.messages![0]!.content), delayMs: 5 })),
    )
    const transport = createTransport()
    const texts = await Promise.all(
      replies.map(async (index) => (await ask({ messages: [{ role: 'user', text: `call ${index}` }] }, transport)).text),
    )
    expect(texts).toEqual(replies.map((index) => `call ${index}`))
  })

  it('goes through the proxy of the environment where Node is told to, and not otherwise', async () => {
    const { url, sockets } = await listen(
      createHttpServer((_, response) => response.end(answerOf('by way of the proxy'))).on('connect', (_, socket: Socket, first: Buffer) => {
        const { port } = new URL(server.baseUrl)
        const target = connect(Number(port), '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n')
          target.write(first)
          socket.pipe(target).pipe(socket)
        })
      }),
    )
    vi.stubEnv('http_proxy', new URL(url).origin)
    server.always({ text: 'ok' })
    await ask()
    expect(sockets).toHaveLength(0)
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    await ask()
    expect(sockets).toHaveLength(1)
  })

  it('that nobody accepts fails with the reason, for a name with several addresses as well', async () => {
    const gone = await startScriptedModel()
    await gone.close()
    for (const baseUrl of [gone.baseUrl, gone.baseUrl.replace('127.0.0.1', 'localhost')]) {
      const failure = await failed(ask({}, createTransport(), baseUrl))
      expect(failure).toMatchObject({ code: 'model_failed', retryable: true })
      expect(failure.message).toContain('ECONNREFUSED')
    }
  })

  it('other than by http is refused', async () => {
    expect(await failed(ask({}, createTransport(), 'ftp://127.0.0.1/v1'))).toMatchObject({
      code: 'model_refused',
      message: expect.stringContaining('not by ftp:'),
    })
  })
})

describe('a server that is not quite one', () => {
  it.each([
    ['a chunk without a length', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n`],
    ['less than it promised', `${head}Content-Length: 9999\r\n\r\n${answerOf('a')}`],
    ['a status that there is not', 'HTTP/1.1 999 Whatever\r\nContent-Length: 0\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    ['no HTTP', '220 mail.example.com ESMTP\r\n'],
    ['headers without end', `${head}${'X-More: and more\r\n'.repeat(10_000)}`],
    ['nothing', ''],
  ])('by sending %s is a failure that may pass', async (_, bytes) => {
    const { url } = await listen(answersWith((socket) => socket.end(bytes)))
    expect(await failed(ask({}, createTransport(), url))).toMatchObject({ code: 'model_failed', retryable: true })
  })

  it.each([
    ['a reason phrase of its own', `HTTP/1.1 200 Schön\r\nContent-Type: text/event-stream\r\n\r\n${answerOf('ok')}`],
    ['a header twice', `${head}X-Id: 1\r\nX-Id: 2\r\n\r\n${answerOf('ok')}`],
    ['hints before its answer', `HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n${whole(answerOf('ok'))}`],
    ['its answer until it hangs up', `${head}\r\n${answerOf('ok')}`],
    ['lines that end in the old way', `${head}\r\n${`${answerOf('ok')}data: [DONE]\n\n`.replaceAll('\n', '\r')}`],
  ])('by sending %s is understood', async (_, bytes) => {
    const { url } = await listen(answersWith((socket) => socket.end(bytes)))
    expect((await ask({}, createTransport(), url)).text).toBe('ok')
  })

  it('by sending what is no UTF-8 is read with replacements', async () => {
    const [before, after] = answerOf('a|b').split('|')
    const body = Buffer.concat([Buffer.from(before!), Buffer.of(0xff, 0xed, 0xa0), Buffer.from(after!)])
    server.script({ raw: (outgoing) => void outgoing.writeHead(200).end(body) })
    expect((await ask()).text).toMatch(/^a\ufffd+b$/)
  })
})
