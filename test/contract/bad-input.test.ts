import { connect } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { echo, fresh, useStudio } from '../support/studio.ts'

/** What comes over the wire and is wrong, with the exact answer to it. Bodies that are wrong as JSON are in bodies-and-errors.test.ts. */

const studio = useStudio()

interface Received {
  status: number
  headers: Record<string, string>
  body: { code?: string; detail?: string; errors?: { pointer: string; code: string }[] } | undefined
}

/** Sends bytes as they are, and nothing more. @returns every answer that came until the server closed the connection */
function exchange(bytes: string | Buffer): Promise<Received[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(studio.url).port), '127.0.0.1', () =>
      socket.end(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    )
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('close', () => resolve(answersIn(Buffer.concat(chunks).toString())))
    socket.on('error', reject)
  })
}

function answersIn(text: string): Received[] {
  return text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((part) => part !== '' && !part.startsWith('HTTP/1.1 100 '))
    .map((part) => {
      const [head = '', body = ''] = part.split('\r\n\r\n', 2)
      const [line = '', ...lines] = head.split('\r\n')
      const headers = Object.fromEntries(
        lines.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 2)]),
      )
      return { status: Number(line.slice(9, 12)), headers, body: body === '' ? undefined : (JSON.parse(body) as Received['body']) }
    })
}

function expectProblem({ status, headers, body }: Received, expected: { status: number; code: string; says?: string | undefined }): void {
  expect([status, body?.code]).toEqual([expected.status, expected.code])
  expect(body).toMatchObject({ status, type: `/docs/errors#${expected.code}`, title: expect.stringMatching(/./) })
  if (expected.says !== undefined) expect(body?.detail).toContain(expected.says)
  expect(headers['content-type']).toBe('application/problem+json')
  expect(headers['x-content-type-options']).toBe('nosniff')
}

const HOST = 'Host: localhost\r\n'
const CLOSE = 'Connection: close\r\n'
const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\n${HOST}${CLOSE}${headers}\r\n`
const post = (headers: string, body: string): string =>
  `POST /api/workflows/execute HTTP/1.1\r\n${HOST}${CLOSE}Content-Type: application/json\r\n${headers}\r\n${body}`
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body)

type Row = [title: string, bytes: string | Buffer, status: number, code: string, says?: string | undefined]
const malformed = (title: string, bytes: string | Buffer, says?: string): Row => [title, bytes, 400, 'malformed_request', says]
const foreign = (title: string, bytes: string, says?: string): Row => [title, bytes, 421, 'unknown_host', says]
const uncoded = (title: string, bytes: string, says: string): Row => [title, bytes, 501, 'transfer_coding_unsupported', says]
const unknown = (title: string, bytes: string): Row => [title, bytes, 404, 'route_not_found']

describe('a first line', () => {
  const rows: Row[] = [
    malformed('without a method', ` /hc HTTP/1.1\r\n${HOST}\r\n`, 'Invalid method'),
    malformed('with a method in small letters', `get /hc HTTP/1.1\r\n${HOST}\r\n`, 'Invalid method'),
    malformed('with a method that nobody knows', `FROB /hc HTTP/1.1\r\n${HOST}\r\n`, 'Invalid method'),
    malformed('with a tab', `GET\t/hc HTTP/1.1\r\n${HOST}\r\n`, 'Expected space after method'),
    ['of HTTP/0.9', 'GET /hc\r\n\r\n', 505, 'http_version_unsupported', 'HTTP/0.9'],
    ['of HTTP/0.9 that says so', `GET /hc HTTP/0.9\r\n${HOST}\r\n`, 505, 'http_version_unsupported', 'HTTP/0.9'],
    ['of HTTP/2.0', `GET /hc HTTP/2.0\r\n${HOST}\r\n`, 505, 'http_version_unsupported', 'HTTP/2.0'],
    malformed('of HTTP/1.2', `GET /hc HTTP/1.2\r\n${HOST}\r\n`, 'Invalid HTTP version'),
    malformed('of http/1.1', `GET /hc http/1.1\r\n${HOST}\r\n`, 'Expected HTTP/'),
    malformed('with something after the version', `GET /hc HTTP/1.1x\r\n${HOST}\r\n`, 'Expected CRLF after version'),
    malformed('with a version without a dot', `GET /hc HTTP/11\r\n${HOST}\r\n`, 'Expected dot'),
    malformed('that begins HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    malformed('that begins TLS', Buffer.from([0x16, 3, 1, 0, 0x2e, 1, 0, 0, 0x2a, 3, 3])),
    malformed('that begins SSH', 'SSH-2.0-OpenSSH_9\r\n'),
    malformed('that begins SOCKS', Buffer.from([5, 1, 0])),
    malformed('of RTSP', `DESCRIBE /hc RTSP/1.0\r\n${HOST}\r\n`, 'DESCRIBE'),
    malformed('with a method of HTTP/2 alone', 'PRI *x/2.0\r\n\r\nSM\r\n\r\n', 'PRI'),
    malformed('of an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    malformed('with a NUL in the address', `GET /h\0c HTTP/1.1\r\n${HOST}\r\n`, 'must be encoded'),
    malformed('with a letter in the address that must be encoded', get('/api/agents/name/\xe4'), 'must be encoded'),
    malformed('that ends with LF alone', 'GET /hc HTTP/1.1\nHost: localhost\n\n', 'Expected CRLF'),
    malformed('that ends with CR alone', 'GET /hc HTTP/1.1\rHost: localhost\r\r', 'Expected CRLF'),
    ['that is longer than is read', get(`/${'a'.repeat(20_000)}`), 431, 'header_too_large'],
    malformed('with an address that is no path', get('hc')),
    malformed("with '*' for another method than OPTIONS", get('*'), 'OPTIONS'),
    ["with '*' for OPTIONS", `OPTIONS * HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 405, 'method_not_allowed'],
    ['of CONNECT to a path', `CONNECT /hc HTTP/1.1\r\n${HOST}\r\n`, 405, 'method_not_allowed'],
    ['of TRACE', `TRACE /hc HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 405, 'method_not_allowed'],
    foreign('with the address of another host, in its user', get('http://localhost@evil.example/hc')),
    foreign('with an address that names a user', get('http://evil.example@localhost/hc')),
    foreign('with an address that names no host', get('http:///hc')),
    malformed('with an address that has a scheme and no host', get('http:localhost/hc')),
    unknown('with the address of another scheme', get('ftp://localhost/hc')),
  ]
  it.each(rows)('%s', async (_title, bytes, status, code, says) => {
    const answers = await exchange(bytes)
    expect(answers).toHaveLength(1)
    expectProblem(answers[0]!, { status, code, says })
  })
})

describe('headers', () => {
  const rows: Row[] = [
    malformed('with a NUL in a value', get('/hc', 'X: a\0b\r\n'), 'Invalid header value'),
    malformed('with a NUL in a name', get('/hc', 'X\0: a\r\n'), 'Invalid header token'),
    malformed('with a control character in a value', get('/hc', 'X: a\x7fb\r\n'), 'Invalid header value'),
    malformed('with a CR in a value', get('/hc', 'X: a\rb\r\n')),
    malformed('with a line that ends with LF alone', get('/hc', 'X: a\nY: b\r\n')),
    malformed('with a line without a colon', get('/hc', 'nonsense\r\n'), 'Invalid header token'),
    malformed('with an empty name', get('/hc', ': x\r\n'), 'Invalid header token'),
    malformed('with a space before the colon', get('/hc', 'X : x\r\n')),
    malformed('with a line that is folded', get('/hc', 'X: a\r\n b\r\n')),
    malformed('that begin with a space', `GET /hc HTTP/1.1\r\n ${HOST}\r\n`),
    malformed('with a name that is not ASCII', get('/hc', 'X\xe9: x\r\n')),
    ['that are very many', get('/hc', 'a:b\r\n'.repeat(4_000)), 431, 'header_too_large'],
    ['with a cookie of 17 kB', get('/hc', `Cookie: ${'a'.repeat(17_000)}\r\n`), 431, 'header_too_large'],
    foreign('with a path in Host', `GET /hc HTTP/1.1\r\nHost: localhost/x\r\n${CLOSE}\r\n`),
    foreign('with two names in Host', `GET /hc HTTP/1.1\r\nHost: localhost, evil.example\r\n${CLOSE}\r\n`, 'localhost, evil.example'),
    foreign('with a space in Host', `GET /hc HTTP/1.1\r\nHost: local host\r\n${CLOSE}\r\n`),
    foreign('with a port in Host that is no number', `GET /hc HTTP/1.1\r\nHost: localhost:x\r\n${CLOSE}\r\n`),
    foreign('with half a bracket in Host', `GET /hc HTTP/1.1\r\nHost: [::1\r\n${CLOSE}\r\n`),
  ]
  it.each(rows)('%s', async (_title, bytes, status, code, says) => {
    const answers = await exchange(bytes)
    expect(answers).toHaveLength(1)
    expectProblem(answers[0]!, { status, code, says })
  })
})

describe('a length that leaves open where the request ends:', () => {
  const rows: Row[] = [
    malformed('Content-Length before Transfer-Encoding', post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')),
    malformed('Transfer-Encoding before Content-Length', post('Transfer-Encoding: chunked\r\nContent-Length: 2\r\n', '0\r\n\r\n')),
    malformed('two of them', post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}'), 'Duplicate Content-Length'),
    malformed('the same one twice', post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'), 'Duplicate Content-Length'),
    malformed('a list', post('Content-Length: 2, 2\r\n', '{}')),
    malformed('a negative one', post('Content-Length: -2\r\n', '{}')),
    malformed('one with a plus', post('Content-Length: +2\r\n', '{}')),
    malformed('a hexadecimal one', post('Content-Length: 0x2\r\n', '{}')),
    malformed('a fraction', post('Content-Length: 2.0\r\n', '{}')),
    malformed('one that no number holds', post('Content-Length: 99999999999999999999\r\n', '{}'), 'overflow'),
    malformed('an empty one', post('Content-Length: \r\n', '{}')),
    malformed('one that is longer than what comes', post('Content-Length: 5\r\n', '{}')),
    ['one that is much too long', post('Content-Length: 9007199254740993\r\n', '{}'), 413, 'body_too_large'],
    uncoded('Transfer-Encoding: identity', post('Transfer-Encoding: identity\r\n', '{}'), 'identity'),
    malformed('Transfer-Encoding: chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n')),
    malformed('chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')),
    uncoded('something like chunked', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), 'xchunked'),
    uncoded('"chunked" in quotes', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'), '"chunked"'),
    malformed('chunked behind a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n')),
    malformed('Transfer-Encoding before a space', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n')),
    uncoded('compressed and chunked', post('Transfer-Encoding: gzip, chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'), 'gzip'),
    malformed(
      'chunked in HTTP/1.0',
      `POST /api/workflows/execute HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      'HTTP/1.0',
    ),
    malformed('a size that is no number', chunked('zz\r\n{}\r\n0\r\n\r\n'), 'chunk size'),
    malformed('a negative size', chunked('-2\r\n{}\r\n0\r\n\r\n'), 'chunk size'),
    malformed('a size with 0x', chunked('0x2\r\n{}\r\n0\r\n\r\n'), 'chunk size'),
    malformed('a size with a space', chunked('2 \r\n{}\r\n0\r\n\r\n'), 'chunk size'),
    malformed('a size that is missing', chunked('\r\n{}\r\n0\r\n\r\n'), 'chunk size'),
    malformed('a size that no number holds', chunked('FFFFFFFFFFFFFFFF1\r\n{}\r\n0\r\n\r\n'), 'overflow'),
    malformed('a chunk that is longer than it says', chunked('2\r\n{}}\r\n0\r\n\r\n')),
    malformed('a chunk without its end', chunked('2\r\n{}0\r\n\r\n')),
    malformed('chunks that end with LF alone', chunked('2\n{}\n0\n\n')),
    malformed('a chunk that breaks off', chunked('5\r\n{}')),
    malformed('a length behind the chunks', chunked('2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n')),
    malformed('nonsense behind the chunks', chunked('2\r\n{}\r\n0\r\nbad trailer\r\n\r\n')),
    ['crumbs', chunked('1\r\n \r\n'.repeat(5_000)), 400, 'body_fragmented'],
  ]
  it.each(rows)('%s', async (_title, bytes, status, code, says) => {
    const answers = await exchange(bytes)
    expect(answers).toHaveLength(1)
    expectProblem(answers[0]!, { status, code, says })
  })

  it('but what is framed as it should be is read', async () => {
    for (const bytes of [
      chunked('2\r\n{}\r\n0\r\n\r\n'),
      chunked('2;a=b\r\n{}\r\n0\r\n\r\n'),
      post('Transfer-Encoding: CHUNKED\r\n', '2\r\n{}\r\n0\r\n\r\n'),
    ]) {
      const [answer] = await exchange(bytes)
      expectProblem(answer!, { status: 422, code: 'invalid_input' })
    }
  })
})

describe('several requests on one connection', () => {
  const first = `GET /hc HTTP/1.1\r\n${HOST}\r\n`
  it('come to an end with one that is none', async () => {
    const answers = await exchange(`${first}${first}nonsense\r\n\r\n${first}`)
    expectProblem(answers.at(-1)!, { status: 400, code: 'malformed_request' })
    expect(answers.at(-1)!.headers['connection']?.toLowerCase()).toBe('close')
    expect(answers.slice(0, -1).every(({ status }) => status === 200)).toBe(true)
  })

  it('do not run into each other', async () => {
    const answers = await exchange(
      `POST /hc HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n${post('Content-Length: 2\r\n', '{}').replace(CLOSE, '')}${get('/nope')}`,
    )
    expect(answers.map(({ status, body }) => [status, body?.code])).toEqual([
      [405, 'method_not_allowed'],
      [422, 'invalid_input'],
      [404, 'route_not_found'],
    ])
  })
})

describe('an address', () => {
  const parameter = (
    title: string,
    target: string,
    pointer: string,
    code: string,
  ): [string, string, number, string, [string, string][]] => [title, target, 422, 'invalid_input', [[pointer, code]]]
  const rows: [title: string, target: string, status: number, code: string, errors?: [string, string][]][] = [
    ['that leads upwards', '/api/../hc', 404, 'route_not_found'],
    ['that leads upwards, encoded', '/%2e%2e/hc', 404, 'route_not_found'],
    ['with two slashes', '//hc', 404, 'route_not_found'],
    ['with two slashes at its end', '/hc//', 404, 'route_not_found'],
    ['with parameters of a path', '/hc;a=b', 404, 'route_not_found'],
    ['with a backslash', '/api\\hc', 404, 'route_not_found'],
    ['in capitals', '/HC', 404, 'route_not_found'],
    ['with a percent sign alone', '/api/workflows/deployments/%', 400, 'malformed_request'],
    ['with a slash that is encoded too long', '/api/workflows/deployments/%c0%af', 400, 'malformed_request'],
    ['with half of a character', '/api/workflows/deployments/%ed%a0%80', 400, 'malformed_request'],
    parameter('with a NUL for a name', '/api/workflows/deployments/%00', '/deployment_name', 'wrong_format'),
    parameter('with a slash in a name', '/api/workflows/deployments/a%2Fb', '/deployment_name', 'wrong_format'),
    parameter('with a number as others write it', '/api/workflows?limit=1e2', '?limit', 'wrong_type'),
    parameter('with a hexadecimal number', '/api/workflows?limit=0x10', '?limit', 'wrong_type'),
    parameter('with a number behind a space', '/api/workflows?limit=%201', '?limit', 'wrong_type'),
    parameter('with a byte for a number', '/api/workflows?limit=%ff', '?limit', 'wrong_type'),
    parameter('with a parameter as a list', '/api/workflows?limit[]=1', '?limit[]', 'unknown_parameter'),
    parameter('with a parameter without a name', '/api/workflows?=x', '?', 'unknown_parameter'),
    parameter('with a parameter called __proto__', '/api/workflows?__proto__=x', '?__proto__', 'unknown_parameter'),
    parameter('with two question marks', '/api/workflows??limit=1', '??limit', 'unknown_parameter'),
  ]
  it.each(rows)('%s', async (_title, target, status, code, errors) => {
    const [answer] = await exchange(get(target))
    expectProblem(answer!, { status, code })
    expect(answer!.body!.errors?.map((one) => [one.pointer, one.code])).toEqual(errors)
  })
})

describe('a limit that makes no sense', () => {
  let workflowId: string
  beforeAll(async () => {
    workflowId = await studio.workflow(echo)
  })
  const rows: [title: string, runtime_config: unknown, ...[string, string][]][] = [
    ['a concurrency that is a number', { concurrency: 5 }, ['/runtime_config/concurrency', 'wrong_type']],
    ['a concurrency without a limit', { concurrency: {} }, ['/runtime_config/concurrency/limit', 'required']],
    ['a concurrency of none', { concurrency: { limit: 0 } }, ['/runtime_config/concurrency/limit', 'out_of_range']],
    ['a concurrency of one and a half', { concurrency: { limit: 1.5 } }, ['/runtime_config/concurrency/limit', 'wrong_type']],
    ['a queue that is negative', { concurrency: { limit: 1, queue: -1 } }, ['/runtime_config/concurrency/queue', 'out_of_range']],
    ['a queue that is very long', { concurrency: { limit: 1, queue: 10_001 } }, ['/runtime_config/concurrency/queue', 'out_of_range']],
    ['a concurrency with a typo', { concurrency: { limit: 1, queu: 1 } }, ['/runtime_config/concurrency/queu', 'unknown_field']],
    ['a rate without a time', { rate_limit: { requests: 1 } }, ['/runtime_config/rate_limit/seconds', 'required']],
    ['a rate in text', { rate_limit: '10/s' }, ['/runtime_config/rate_limit', 'wrong_type']],
    [
      'a rate of nothing in no time',
      { rate_limit: { requests: 0, seconds: 0 } },
      ['/runtime_config/rate_limit/requests', 'out_of_range'],
      ['/runtime_config/rate_limit/seconds', 'out_of_range'],
    ],
    ['a rate of more than a day', { rate_limit: { requests: 1, seconds: 86_401 } }, ['/runtime_config/rate_limit/seconds', 'out_of_range']],
  ]
  it.each(rows)('%s', async (_title, runtime_config, ...errors) => {
    const answer = await studio.call('POST', `/api/workflows/${workflowId}/deploy`, { deployment_name: fresh('limited'), runtime_config })
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_input'])
    expect(answer.body.errors.map((one: { pointer: string; code: string }) => [one.pointer, one.code])).toEqual(
      expect.arrayContaining(errors),
    )
    expect(answer.body.errors).toHaveLength(errors.length)
  })

  it('is also one that belongs to the deployment, given for a single execution', async () => {
    const { deployment_name } = await studio.deploy(workflowId, fresh('limited'))
    const runtime_overrides = { timeout: 5, concurrency: { limit: 1 }, rate_limit: { requests: 1, seconds: 1 } }
    const answer = await studio.execute({ deployment_name, query: 'x', runtime_overrides })
    expect(answer.status).toBe(422)
    expect(answer.body.errors.map((one: { pointer: string; code: string }) => [one.pointer, one.code]).toSorted()).toEqual([
      ['/runtime_overrides/concurrency', 'unknown_field'],
      ['/runtime_overrides/rate_limit', 'unknown_field'],
    ])
  })
})
