import { describe, expect, it } from 'vitest'
import { answering } from '../../test/support/answering-server.ts'
import { TemplateCompiler } from '../graph/step-compiler.ts'
import { createOutgoing } from '../outgoing/outgoing.ts'
import { compileTools } from './compile-tools.ts'
import { nothingToHide } from '../secrets/secrets.ts'
import type { Tool } from './tool.ts'

function compiled(...list: unknown[]): { tools: Tool[]; problems: string[] } {
  const problems: string[] = []
  const tools = compileTools(list, new TemplateCompiler('', (pointer, code) => problems.push(`${code} ${pointer}`)))
  return { tools, problems }
}

const scope = {
  input: { orders: [{ total: 7 }] },
  query: '',
  chat_history: [],
  variables: {},
  steps: {},
  now: '2026-01-01T00:00:00Z',
  execution: {},
}

/** One attempt, as an agent makes it. */
async function call(
  definition: unknown,
  given: Record<string, unknown>,
  secrets: Record<string, string> = {},
  allowed: string[] = [],
): Promise<unknown> {
  const { tools, problems } = compiled(definition)
  expect(problems).toEqual([])
  const outgoing = createOutgoing({ privateAddresses: allowed })
  return tools[0]!.run({
    arguments: given,
    stepId: 'lead#1.1',
    scope,
    number: 1,
    signal: new AbortController().signal,
    idempotencyKey: 'x:lead#1.1',
    environment: 'production',
    emit: () => undefined,
    outside: {
      outgoing,
      sandbox: { run: () => Promise.reject(new Error('no')) },
      secrets: { ...nothingToHide, resolveAll: async () => secrets },
    },
  })
}

describe('the list of an agent’s tools', () => {
  it('takes the names of those that are built in, and objects for the others', () => {
    const { tools, problems } = compiled('calculator', 'current_time', 'json_lookup', {
      type: 'http',
      name: 'orders',
      url: 'https://example.org/',
    })
    expect(problems).toEqual([])
    expect(tools.map(({ name }) => name)).toEqual(['calculator', 'current_time', 'json_lookup', 'orders'])
  })

  it.each([
    ['search', ['unknown_tool /0']],
    [7, ['wrong_type /0']],
    [{ name: 'calculator' }, ['required /0/type']],
    [{ type: 'ftp', name: 'x' }, ['unknown_tool_type /0/type']],
    [{ type: 'builtin', name: 'constructor' }, ['unknown_tool /0/name']],
    ['http_request', ['required /0/allowed_hosts']],
    [{ type: 'http', name: 'a b', url: 'https://example.org/' }, ['wrong_format /0/name']],
    [{ type: 'http', name: 'a', url: 'https://{{ arguments.host }}/x' }, ['arguments_in_origin /0/url']],
    [{ type: 'http', name: 'a', url: '{{ "https://" | append: arguments.host }}' }, ['arguments_in_origin /0/url']],
    [{ type: 'http', name: 'a', url: 'https://example.org/', parameters: { type: 'nothing' } }, ['schema_invalid /0/parameters/type']],
    [{ type: 'http', name: 'a', url: 'https://example.org/{{' }, ['template_invalid /0/url']],
  ])('refuses %j', (definition, expected) => {
    const { problems } = compiled(definition)
    expect(problems.map((problem) => problem.split(' ')[1])).toEqual(expected.map((problem) => problem.split(' ')[1]))
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(expected.map((problem) => problem.split(' ')[0]))
  })

  it('has each name once', () => {
    expect(compiled('calculator', 'calculator').problems).toEqual(['duplicate_tool /1'])
  })
})

describe('the tools that are built in', () => {
  it('tell the time in a zone', async () => {
    expect(await call('current_time', { timezone: 'Asia/Tokyo' })).toMatchObject({
      timezone: 'Asia/Tokyo',
      local: expect.stringContaining('GMT+9'),
    })
    await expect(call('current_time', { timezone: 'Mars' })).rejects.toMatchObject({ retryable: false, error: { code: 'tool_failed' } })
  })

  it('look up what is there, and say what is there instead', async () => {
    expect(await call('json_lookup', { pointer: '/input/orders/0/total' })).toBe(7)
    await expect(call('json_lookup', { pointer: '/input/constructor' })).rejects.toThrow('an object with orders')
  })

  it('calculate', async () => {
    expect(await call('calculator', { expression: '6 * 7' })).toBe(42)
    await expect(call('calculator', { expression: 'six' })).rejects.toMatchObject({ retryable: false })
  })
})

describe('http_request', () => {
  it('reaches the hosts that it is allowed, with headers that the model does not see, and no redirect', async () => {
    const other = await answering((response) => response.end('other'))
    const server = await answering((response, { url }) => {
      if (url === '/away') response.writeHead(302, { location: other.url }).end()
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"fine":true}')
    })
    const host = new URL(server.url).host
    const definition = {
      type: 'builtin',
      name: 'http_request',
      allowed_hosts: [host],
      headers: { authorization: 'Bearer {{ secrets.KEY }}' },
    }
    const ask = (url: string) => call(definition, { url }, { KEY: 'k' }, ['127.0.0.1'])
    expect(await ask(`${server.url}/x`)).toEqual({ status: 200, body: { fine: true } })
    expect(server.requests[0]!.headers['authorization']).toBe('Bearer k')
    expect(await ask(`${server.url}/away`)).toMatchObject({ status: 302, location: other.url })
    for (const url of [other.url, `http://${host}@127.0.0.1:${other.port}/`, `http://127.0.0.1/`, 'file:///etc/passwd', 'nothing'])
      await expect(ask(url)).rejects.toMatchObject({ retryable: false, error: { code: 'tool_failed' } })
    expect(other.requests).toEqual([])
  })

  it('matches hosts as a whole', async () => {
    const definition = { type: 'builtin', name: 'http_request', allowed_hosts: ['*.example.org', 'api.example.com'] }
    for (const url of [
      'https://example.org.evil.net/',
      'https://evilexample.org/',
      'https://api.example.com.evil.net/',
      'https://api.example.com:8443/',
      'https://example.org/',
    ])
      await expect(call(definition, { url })).rejects.toThrow('not among the hosts')
  })

  it('only takes methods that it is said to, and knows which change something', () => {
    const [tool] = compiled({ type: 'builtin', name: 'http_request', allowed_hosts: ['a'], methods: ['GET', 'POST'] }).tools
    expect(tool!.schema.check({ url: 'x', method: 'DELETE' })).toHaveLength(1)
    expect([{ url: 'x' }, { url: 'x', method: 'GET' }, { url: 'x', method: 'POST' }].map((one) => tool!.writes(one))).toEqual([
      false,
      false,
      true,
    ])
  })
})

describe('an HTTP tool', () => {
  const parameters = { type: 'object', properties: { id: { type: 'string' }, sum: { type: 'number' } }, required: ['id'] }

  it('fills in its arguments, encoded in the address, and its secrets', async () => {
    const server = await answering((response) => response.writeHead(200, { 'content-type': 'application/json' }).end('[1]'))
    const definition = {
      type: 'http',
      name: 'refund',
      parameters,
      method: 'POST',
      url: `${server.url}/orders/{{ arguments.id }}`,
      headers: { 'x-key': '{{ secrets.KEY }}' },
      query: { total: '{{ input.orders[0].total }}' },
      body: { sum: '{{ arguments.sum }}' },
    }
    expect(await call(definition, { id: '../a b?x=1#', sum: 3 }, { KEY: 'k' }, ['127.0.0.1'])).toEqual([1])
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/orders/..%2Fa%20b%3Fx%3D1%23?total=7', body: '{"sum":3}' })
    expect(server.requests[0]!.headers).toMatchObject({ 'x-key': 'k', 'idempotency-key': 'x:lead#1.1' })
    const [tool] = compiled(definition).tools
    expect(tool!.shows!({ arguments: { id: 'a', sum: 3 }, scope })).toMatchObject({
      url: `${server.url}/orders/a`,
      headers: { 'x-key': '[secret KEY]' },
      body: { sum: 3 },
    })
    await expect(call(definition, { id: '..', sum: 3 }, { KEY: 'k' }, ['127.0.0.1'])).rejects.toMatchObject({ retryable: false })
    expect(server.requests).toHaveLength(1)
  })

  it('fails where the server answers with an error', async () => {
    const server = await answering((response) => response.writeHead(503, { 'retry-after': '1' }).end('busy'))
    const asked = call({ type: 'http', name: 'x', url: server.url }, {}, {}, ['127.0.0.1'])
    await expect(asked).rejects.toMatchObject({ retryable: true, retryAfterMs: 1_000, error: { code: 'http_step_failed' } })
  })

  it('changes something unless its method is a safe one', () => {
    const writes = (method: string) => compiled({ type: 'http', name: 'x', url: 'https://example.org/', method }).tools[0]!.writes({})
    expect(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].map(writes)).toEqual([false, false, true, true, true, true])
  })
})
