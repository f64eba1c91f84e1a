import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { answering, listening, type Answering } from '../../test/support/answering-server.ts'
import { selfSigned, type TestCertificate } from '../../test/support/certificate.ts'
import type { ConnectionLimits } from './connections.ts'
import { OutgoingError } from './outgoing-error.ts'
import { createOutgoing, type OutgoingLimits, type OutgoingOptions, type OutgoingRequest } from './outgoing.ts'

afterEach(() => void vi.unstubAllEnvs())

const toLoopback = (options: OutgoingOptions = {}) => createOutgoing({ privateAddresses: ['127.0.0.1'], ...options })

async function failed(call: Promise<unknown>) {
  const outcome = await call.catch((error: unknown) => error)
  if (!(outcome instanceof OutgoingError)) throw new Error(`expected a failure, got ${String(outcome)}`)
  return { code: outcome.error.code, retryable: outcome.retryable, message: outcome.message }
}

/** A server of bare sockets, for what no HTTP server does; it begins when the first bytes of a request have come. */
async function rawly(answer: (socket: Socket) => void) {
  const server = createServer((socket) => void socket.once('data', () => answer(socket)))
  const { port, sockets } = await listening(server)
  return { url: `http://127.0.0.1:${port}`, sockets }
}

/** Writes the same again and again, no faster than it is read. */
const pours =
  (head: string | Buffer, part: Buffer) =>
  (socket: Socket): void => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(part));
    }
    socket.on('drain', more)
    socket.write(head)
    more()
  }

const closed = (sockets: Socket[], count = 1) =>
  vi.waitFor(() => {
    expect(sockets).toHaveLength(count)
    for (const socket of sockets) expect(socket.closed).toBe(true)
  })

describe('a request', () => {
  it('sends what it is told, says who we are, and brings the answer', async () => {
    const server = await answering((response) => {
      response.writeHead(418, 'Teapot', { 'Content-Type': 'text/plain; charset=latin1', 'X-One': ['a', 'b'], 'Set-Cookie': ['a=1', 'b=2'] })
      response.end(Buffer.from('Grüße', 'latin1'))
    })
    const answer = await toLoopback().request({
      url: `${server.url}/a%20b?q=ü#part`,
      method: 'put',
      headers: { 'X-Mine': 'yes', Accept: 'text/plain' },
      body: 'päckchen',
    })
    expect(answer).toMatchObject({ status: 418, phrase: 'Teapot', url: `${server.url}/a%20b?q=%C3%BC`, redirected: false })
    expect(answer.headers).toMatchObject({ 'x-one': 'a, b', 'content-type': 'text/plain; charset=latin1' })
    expect(answer.cookies).toEqual(['a=1', 'b=2'])
    expect(await answer.text()).toBe('Grüße')
    expect(server.requests).toMatchObject([
      {
        method: 'PUT',
        url: '/a%20b?q=%C3%BC',
        body: 'päckchen',
        headers: { accept: 'text/plain', 'x-mine': 'yes', 'user-agent': expect.stringMatching(/^agent-studio\/\d/), 'content-length': '9' },
      },
    ])
  })

  it('keeps its connection for the next one to the same server', async () => {
    const server = await answering((response) => response.end('ok'))
    const outgoing = toLoopback()
    for (const _ of [1, 2, 3]) expect(await (await outgoing.request({ url: server.url })).text()).toBe('ok')
    expect(server.sockets).toHaveLength(1)
  })

  it('that comes when its connection was closed meanwhile gets another', async () => {
    const server = await answering((response) => response.end('ok'))
    const outgoing = toLoopback()
    await (await outgoing.request({ url: server.url })).text()
    server.sockets[0]!.destroy()
    await closed(server.sockets)
    await new Promise(setImmediate)
    expect(await (await outgoing.request({ url: server.url })).text()).toBe('ok')
    expect(server.sockets).toHaveLength(2)
  })

  it('goes through no proxy, whatever the environment names', async () => {
    const proxy = await answering((response) => response.end('proxied'))
    const server = await answering((response) => response.end('direct'))
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, proxy.url)
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    expect(await (await toLoopback().request({ url: server.url })).text()).toBe('direct')
    expect(proxy.sockets).toEqual([])
  })

  it.each<[string, Partial<OutgoingRequest>, string]>([
    ['a Host', { headers: { Host: 'other.test' } }, 'The header host'],
    ['a length', { headers: [['Content-Length', '1']] }, 'The header content-length'],
    ['an upgrade', { headers: { upgrade: 'websocket' } }, 'The header upgrade'],
    ['a line break in a header', { headers: { 'X-A': 'b\r\nHost: c' } }, 'cannot be sent'],
    ['a header that is none', { headers: { 'X A': 'b' } }, 'cannot be sent'],
    ['a method that is none', { method: 'GET /x HTTP/1.1\r\n' }, 'is no method'],
    ['a tunnel', { method: 'connect' }, 'is no method'],
  ])('is not sent with %s', async (_, fields, message) => {
    const server = await answering((response) => response.end('ok'))
    const failure = await failed(toLoopback().request({ url: server.url, ...fields }))
    expect(failure).toMatchObject({ code: 'outgoing_request_invalid', retryable: false })
    expect(failure.message).toContain(message)
    expect(server.requests).toEqual([])
  })

  it.each<[string, (response: Parameters<Answering>[0]) => void]>([
    ['a HEAD', (response) => response.writeHead(200, { 'content-length': '1000000000' }).end()],
    ['no content', (response) => response.writeHead(204).end()],
    ['nothing new', (response) => response.writeHead(304, { 'content-encoding': 'rot13' }).end()],
  ])('that is answered without a body has none: %s', async (name, answer) => {
    const server = await answering(answer)
    const given = await toLoopback().request({ url: server.url, method: name === 'a HEAD' ? 'HEAD' : 'GET' })
    expect(given.body).toBeNull()
    expect(await given.text()).toBe('')
  })
})

describe('a redirect', () => {
  /** Goes from /0 to /1 and so on, and answers at /n. */
  const stairs = (count: number) =>
    answering((response, { url }) => {
      const step = Number(url!.slice(1))
      if (step < count) response.writeHead(302, { location: `${step + 1}` }).end('Further.')
      else response.end('here')
    })

  it('is followed, five times by default', async () => {
    const five = await stairs(5)
    const answer = await toLoopback().request({ url: `${five.url}/0` })
    expect(answer).toMatchObject({ url: `${five.url}/5`, redirected: true })
    expect(await answer.text()).toBe('here')
    const six = await stairs(6)
    const failure = await failed(toLoopback().request({ url: `${six.url}/0` }))
    expect(failure).toMatchObject({ code: 'redirect_not_followed', retryable: false })
    expect(failure.message).toContain('5 were followed already')
    expect(six.requests).toHaveLength(6)
  })

  it('is an answer like any other where none is wanted', async () => {
    const server = await stairs(1)
    const answer = await toLoopback().request({ url: `${server.url}/0`, limits: { redirects: 0 } })
    expect(answer).toMatchObject({ status: 302, headers: { location: '1' }, redirected: false })
    expect(await answer.text()).toBe('Further.')
  })

  it('to another server takes neither credentials nor headers of the caller along', async () => {
    const other = await answering((response) => response.end('here'))
    const server = await answering((response) => response.writeHead(307, { location: `${other.url}/there` }).end())
    const headers = { Authorization: 'Bearer x', Cookie: 'a=b', 'X-Api-Key': 'y', Accept: 'text/plain', 'Content-Type': 'text/csv' }
    await toLoopback().request({ url: server.url, method: 'POST', headers, body: 'a,b' })
    expect(server.requests[0]!.headers).toMatchObject({ authorization: 'Bearer x', cookie: 'a=b', 'x-api-key': 'y' })
    const [{ headers: taken, ...request }] = other.requests as [(typeof other.requests)[0]]
    expect(request).toEqual({ method: 'POST', url: '/there', body: 'a,b' })
    expect(Object.keys(taken).toSorted()).toEqual(
      ['accept', 'accept-encoding', 'connection', 'content-length', 'content-type', 'host', 'user-agent'].toSorted(),
    )
  })

  it('does not bring them back on the way home', async () => {
    const server = await answering((response, { url }) => {
      if (url === '/') response.writeHead(302, { location: `${other.url}/` }).end()
      else response.end('home')
    })
    const other = await answering((response) => response.writeHead(302, { location: `${server.url}/home` }).end())
    await toLoopback().request({ url: server.url, headers: { Authorization: 'Bearer x' } })
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer x', undefined])
  })

  it('to what is not permitted is refused, and does not say where that is', async () => {
    const server = await answering((response) => response.writeHead(302, { location: 'http://10.11.12.13/inner' }).end())
    const failure = await failed(toLoopback().request({ url: server.url }))
    expect(failure).toMatchObject({ code: 'address_not_allowed', retryable: false })
    expect(failure.message).toContain(`A redirect of '${server.url}' leads to`)
    expect(failure.message).not.toContain('10.11')
  })
})

describe('an answer', () => {
  const limits = { bytes: 1_000_000 }

  it('of a hundred megabytes is cut off at the limit, and takes no memory', async () => {
    const part = Buffer.alloc(65_536, 'x')
    const server = await rawly(pours('HTTP/1.1 200 OK\r\n\r\n', part))
    const before = process.memoryUsage().rss
    const failure = await failed(
      toLoopback()
        .request({ url: server.url })
        .then((answer) => answer.bytes()),
    )
    expect(failure).toMatchObject({ code: 'answer_too_large', retryable: false })
    expect(failure.message).toContain('10000000 bytes')
    expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000)
    await closed(server.sockets)
    expect(server.sockets[0]!.bytesWritten).toBeLessThan(20_000_000)
  })

  it('that says itself that it is too large is not read at all', async () => {
    const server = await rawly((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n'))
    const answer = await toLoopback().request({ url: server.url, limits })
    expect(await failed(answer.text())).toMatchObject({ code: 'answer_too_large' })
    await closed(server.sockets)
  })

  it('in a million tiny pieces takes no more memory than it has bytes', async () => {
    const piece = '1\r\nx\r\n'
    const server = await rawly(pours('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', Buffer.from(piece.repeat(10_000))))
    const before = process.memoryUsage().heapUsed
    expect(
      await failed(
        toLoopback()
          .request({ url: server.url, limits })
          .then((answer) => answer.text()),
      ),
    ).toMatchObject({
      code: 'answer_too_large',
    })
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000)
  })

  it('that nobody reads is not read from its server either', async () => {
    const server = await rawly(pours('HTTP/1.1 200 OK\r\n\r\n', Buffer.alloc(65_536)))
    const cancel = new AbortController()
    const answer = await toLoopback().request({ url: server.url, limits: { bytes: 1e9 }, signal: cancel.signal })
    let before = -1
    await vi.waitFor(() => {
      const stands = server.sockets[0]!.bytesWritten === before
      before = server.sockets[0]!.bytesWritten
      expect(stands).toBe(true)
    })
    expect(before).toBeLessThan(20_000_000)
    await answer.discard()
    await closed(server.sockets)
  })

  it('whose headers are too large is refused', async () => {
    const server = await rawly(pours('HTTP/1.1 200 OK\r\nX: ', Buffer.alloc(1_024, 'x')))
    expect(await failed(toLoopback().request({ url: server.url }))).toMatchObject({ code: 'answer_too_large', retryable: false })
    await closed(server.sockets)
  })

  it.each([
    ['is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['has two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['has a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'],
    ['speaks of something else from now on', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['has a header that is none', 'HTTP/1.1 200 OK\r\nno header\r\n\r\n'],
  ])('that %s is refused', async (_, bytes) => {
    const server = await rawly((socket) => socket.end(bytes))
    expect(
      await failed(
        toLoopback()
          .request({ url: server.url })
          .then((answer) => answer.text()),
      ),
    ).toMatchObject({
      code: 'answer_unreadable',
      retryable: false,
    })
  })

  it('that breaks off may be asked for again', async () => {
    const server = await rawly((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'))
    const failure = await failed(
      toLoopback()
        .request({ url: server.url })
        .then((answer) => answer.text()),
    )
    expect(failure).toMatchObject({ code: 'outgoing_failed', retryable: true })
    expect(failure.message).toBe(`'${server.url}' could not be asked: the connection broke off.`)
  })
})

describe('a packed answer', () => {
  const packers = [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const
  const sends = (encoding: string, bytes: Buffer) =>
    answering((response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes))
  const read = async (url: string, limits: Partial<OutgoingLimits> = {}) => (await toLoopback().request({ url, limits })).text()

  it.each(packers)('by %s is unpacked', async (encoding, pack) => {
    const text = 'Grüße 😀 '.repeat(20_000)
    const server = await sends(encoding, pack(text))
    expect(await read(server.url)).toBe(text)
  })

  it.each(packers)('by %s of next to nothing is limited by what it is unpacked', async (encoding, pack) => {
    const server = await sends(encoding, pack(Buffer.alloc(100_000_000)))
    const before = process.memoryUsage().rss
    expect(await failed(read(server.url, { bytes: 1_000_000 }))).toMatchObject({ code: 'answer_too_large', retryable: false })
    expect(process.memoryUsage().rss - before).toBeLessThan(80_000_000)
  })

  it('of nothing at all is limited by what is sent', async () => {
    // A block that is stored and empty: five bytes that say nothing.
    const nothing = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([0, 0, 0, 0xff, 0xff])))
    const head = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'), gzipSync('').subarray(0, 10)])
    const server = await rawly(pours(head, nothing))
    const failure = await failed(read(server.url, { bytes: 1_000_000 }))
    expect(failure).toMatchObject({ code: 'answer_too_large', retryable: false })
    expect(failure.message).toContain('The packed answer is larger than 1000000 bytes')
    await closed(server.sockets)
  })

  it('that wants more memory than others is refused', async () => {
    const [modest, greedy] = [zstdOfWindow(23), zstdOfWindow(27)]
    expect(await read((await sends('zstd', modest)).url)).toBe('x')
    expect(await failed(read((await sends('zstd', greedy)).url))).toMatchObject({ code: 'answer_unreadable', retryable: false })
  })

  it.each([
    ['gzip', Buffer.from('plain')],
    ['gzip', gzipSync('x'.repeat(1_000)).subarray(0, 15)],
    ['rot13', Buffer.from('cynva')],
    ['gzip, gzip', gzipSync(gzipSync('twice'))],
  ])('that cannot be unpacked by %s is refused', async (encoding, bytes) => {
    const server = await sends(encoding, bytes)
    expect(await failed(read(server.url))).toMatchObject({ code: 'answer_unreadable', retryable: false })
  })
})

/** RFC 8878 §3.1.1: a frame that asks for a window of 2 to this power, with one raw block of one byte. */
function zstdOfWindow(log: number): Buffer {
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, 0x09, 0x00, 0x00, 0x78])
}

describe('time', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['does not come to the end of its headers', (socket) => socket.write('HTTP/1.1 200 OK\r\nX')],
    [
      'promises for ever to answer soon',
      (socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 5)
        socket.on('close', () => clearInterval(timer))
      },
    ],
  ])('is up for a server that %s', async (_, answer) => {
    const server = await rawly(answer)
    const failure = await failed(toLoopback().request({ url: server.url, limits: { firstByteMs: 50 } }))
    expect(failure).toMatchObject({ code: 'outgoing_timeout', retryable: true })
    expect(failure.message).toContain('longer than 0.05 seconds, which is the limit for the beginning')
    await closed(server.sockets)
  })

  it('is up for an answer that drips', async () => {
    const server = await rawly((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const timer = setInterval(() => socket.write('x'), 5)
      socket.on('close', () => clearInterval(timer))
    })
    const answer = await toLoopback().request({ url: server.url, limits: { totalMs: 100 } })
    const failure = await failed(answer.text())
    expect(failure).toMatchObject({ code: 'outgoing_timeout', retryable: true })
    expect(failure.message).toContain('for a whole answer')
    await closed(server.sockets)
  })

  it('is up for redirects that lead on and on, slowly', async () => {
    const server = await answering((response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 20))
    const failure = await failed(toLoopback().request({ url: server.url, limits: { totalMs: 100, redirects: 1_000 } }))
    expect(failure.code).toBe('outgoing_timeout')
  })

  it('is up for a server that does not finish its handshake', async () => {
    const server = await rawly(() => undefined)
    const url = server.url.replace('http:', 'https:')
    const failure = await failed(toLoopback({ connectMs: 50 }).request({ url }))
    expect(failure).toMatchObject({ code: 'outgoing_timeout', retryable: true })
    expect(failure.message).toContain('for a connection')
    await closed(server.sockets)
  })

  it('is up for a name that is never found', async () => {
    const failure = await failed(
      toLoopback({ connectMs: 50, lookup: () => new Promise(() => undefined) }).request({ url: 'http://slow.test/' }),
    )
    expect(failure).toMatchObject({ code: 'outgoing_timeout', retryable: true })
  })

  it('is not up without a limit', async () => {
    const server = await answering((response) => {
      response.writeHead(200).write('a')
      setTimeout(() => response.end('b'), 100)
    })
    const answer = await toLoopback().request({ url: server.url, limits: { totalMs: null, firstByteMs: 50 } })
    expect(await answer.text()).toBe('ab')
  })
})

describe('a request that is aborted', () => {
  const reason = new Error('the execution has ended')

  it.each<[string, string, (socket: Socket) => void]>([
    ['during the handshake', 'https', () => undefined],
    ['while its answer is awaited', 'http', () => undefined],
    ['within the headers', 'http', (socket) => socket.write('HTTP/1.1 200 OK\r\nX')],
    ['in the middle of its answer', 'http', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhalf')],
    [
      'in the middle of a packed answer',
      'http',
      (socket) =>
        socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'), gzipSync('x').subarray(0, 12)])),
    ],
  ])('%s rejects with the reason, and its connection is closed at once', async (_, scheme, answer) => {
    const begun = Promise.withResolvers<void>()
    const server = await rawly((socket) => {
      answer(socket)
      setImmediate(begun.resolve)
    })
    const cancel = new AbortController()
    const call = toLoopback().request({ url: server.url.replace('http', scheme), signal: cancel.signal })
    const outcome = call.then((given) => given.text()).catch((error: unknown) => error)
    await begun.promise
    cancel.abort(reason)
    expect(await outcome).toBe(reason)
    await closed(server.sockets)
  })

  it('beforehand is not sent', async () => {
    const server = await answering((response) => response.end('ok'))
    await expect(toLoopback().request({ url: server.url, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(server.sockets).toEqual([])
  })

  it('while its name is looked up connects to nobody', async () => {
    const server = await answering((response) => response.end('ok'))
    const found = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const lookup = async () => {
      asked.resolve()
      await found.promise
      return [{ address: '127.0.0.1', family: 4 }]
    }
    const cancel = new AbortController()
    const call = toLoopback({ lookup }).request({ url: `http://slow.test:${server.port}/`, signal: cancel.signal })
    await asked.promise
    cancel.abort(reason)
    await expect(call).rejects.toBe(reason)
    found.resolve()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.sockets).toEqual([])
  })
})

describe('connections', () => {
  const holding = () => {
    const held: (() => void)[] = []
    const server = answering((response) => void held.push(() => response.end('ok')))
    return { server, held }
  }
  const limited = (limits: Partial<ConnectionLimits>) => toLoopback({ limits })

  it('to one server are limited, and who finds none waits its turn', async () => {
    const { server: starting, held } = holding()
    const server = await starting
    const outgoing = limited({ perOrigin: 2 })
    const calls = [1, 2, 3, 4].map(async () => (await outgoing.request({ url: server.url })).text())
    await vi.waitFor(() => expect(held).toHaveLength(2))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.requests).toHaveLength(2)
    for (const finish of held.splice(0)) finish()
    await vi.waitFor(() => expect(held).toHaveLength(2))
    for (const finish of held.splice(0)) finish()
    expect(await Promise.all(calls)).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect(server.sockets).toHaveLength(2)
  })

  it('are limited in all, and one that serves nobody makes room', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => answering((response) => response.end('ok'))))
    const outgoing = limited({ total: 2 })
    for (const { url } of servers) expect(await (await outgoing.request({ url })).text()).toBe('ok')
    await closed(servers[0]!.sockets)
    expect(servers[2]!.sockets[0]!.closed).toBe(false)
  })

  it('are not waited for by a request that was aborted, or whose time is up', async () => {
    const { server: starting, held } = holding()
    const server = await starting
    const outgoing = limited({ perOrigin: 1 })
    const first = outgoing.request({ url: server.url })
    await vi.waitFor(() => expect(held).toHaveLength(1))
    const cancel = new AbortController()
    const aborted = outgoing.request({ url: server.url, signal: cancel.signal })
    const late = outgoing.request({ url: server.url, limits: { firstByteMs: 20 } })
    const patient = outgoing.request({ url: server.url })
    cancel.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    expect(await failed(late)).toMatchObject({ code: 'outgoing_timeout' })
    held.pop()!()
    expect(await (await first).text()).toBe('ok')
    await vi.waitFor(() => expect(held).toHaveLength(1))
    held.pop()!()
    expect(await (await patient).text()).toBe('ok')
    expect(server.requests).toHaveLength(2)
  })

  it('that fail leave their place to others', async () => {
    const server = await rawly((socket) => socket.destroy())
    const outgoing = limited({ perOrigin: 1, total: 1 })
    const calls = [1, 2, 3].map(() => failed(outgoing.request({ url: server.url })))
    for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ code: 'outgoing_failed', retryable: true })
    expect(server.sockets).toHaveLength(3)
  })

  it('that nobody accepts are a failure that may pass', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    const failure = await failed(toLoopback().request({ url: `http://127.0.0.1:${port}` }))
    expect(failure).toMatchObject({ code: 'outgoing_failed', retryable: true })
    expect(failure.message).toContain('it refused the connection.')
  })
})

/** For the length of a test. */
function trust(...certificates: TestCertificate[]): void {
  const before = getCACertificates('default')
  setDefaultCACertificates(certificates.map(({ cert }) => cert))
  onTestFinished(() => setDefaultCACertificates(before))
}

describe('a certificate', () => {
  const own = selfSigned(['localhost', '127.0.0.1'])
  const byName = (privateAddresses: string[] = ['127.0.0.1']) =>
    createOutgoing({ privateAddresses, lookup: async () => [{ address: '127.0.0.1', family: 4 }] })

  it('that nobody vouches for is refused, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const server = await answering((response) => response.end('ok'), { certificate: own })
    const failure = await failed(toLoopback().request({ url: server.url }))
    expect(failure).toMatchObject({ code: 'outgoing_failed', retryable: false })
    expect(failure.message).toContain('its certificate is not trusted')
    expect(server.requests).toEqual([])
  })

  it('that is trusted proves the name and the address that were asked for, and no others', async () => {
    const late = selfSigned(['late.test'], { from: new Date(0), until: new Date(86_400_000) })
    trust(own, late)
    const server = await answering((response) => response.end('ok'), { certificate: own })
    const at = (host: string): string => `https://${host}:${server.port}/`
    for (const host of ['127.0.0.1', 'localhost', 'localhost.']) expect(await (await byName().request({ url: at(host) })).text()).toBe('ok')
    const other = await failed(byName().request({ url: at('other.test') }))
    expect(other).toMatchObject({ code: 'outgoing_failed', retryable: false })
    expect(other.message).toContain('its certificate is for another name.')
    const expired = await answering((response) => response.end('ok'), { certificate: late })
    expect((await failed(byName().request({ url: `https://late.test:${expired.port}/` }))).message).toContain('not valid now')
  })

  it('is not what a server without TLS has', async () => {
    const server = await answering((response) => response.end('ok'))
    const failure = await failed(toLoopback().request({ url: server.url.replace('http', 'https') }))
    expect(failure).toMatchObject({ code: 'outgoing_failed', retryable: false })
    expect(failure.message).toContain('does not speak TLS')
  })

  it('keeps a redirect from leading back to plain HTTP', async () => {
    trust(own)
    const plain = await answering((response) => response.end('plain'))
    const server = await answering((response) => response.writeHead(302, { location: plain.url }).end(), { certificate: own })
    const failure = await failed(toLoopback().request({ url: server.url }))
    expect(failure).toMatchObject({ code: 'redirect_not_followed', retryable: false })
    expect(failure.message).toContain('from https to http')
    expect(plain.sockets).toEqual([])
  })
})
