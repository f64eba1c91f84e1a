import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Reply } from '../support/scripted-model.ts'
import type { Behaviour, Call } from './behaviours.ts'

/** A model that hangs, stutters, lies or breaks off, and how an execution of it may end. */
export interface BadModel {
  behave: Behaviour
  /** `completed`, or the code of the error. */
  ends: string
  /** It sends megabytes, which cost everybody time. */
  bulky?: true
  /** Seconds, where 3 are too few for what it does. */
  timeout?: number
}

// — What servers send —

type Chunk = Record<string, unknown>

const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`
const chunk = (fields: Chunk): string => event({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', ...fields })
const delta = (fields: Chunk, finish_reason: unknown = null): string => chunk({ choices: [{ index: 0, delta: fields, finish_reason }] })
const text = (content: unknown): string => delta({ content })
const finish = (reason: unknown = 'stop'): string => delta({}, reason)
const usage = (prompt_tokens: unknown, completion_tokens: unknown): string =>
  chunk({ choices: [], usage: { prompt_tokens, completion_tokens, total_tokens: 7 } })
const done = 'data: [DONE]\n\n'
const toolCall = (call: Chunk, index: unknown = 0): string => delta({ tool_calls: [{ index, id: 'call_1', type: 'function', ...call }] })
const whole = (...parts: string[]): string => [...parts, finish(), usage(3, 4), done].join('')

// — How they send it —

/** Streams these bytes, without any hurry of its own. */
function sends(bytes: string | Buffer, headers: Record<string, string> = {}): Reply {
  return {
    raw: (outgoing) => {
      begin(outgoing, headers)
      outgoing.end(bytes)
    },
  }
}

/** Streams part after part for as long as the client listens. */
function pours(parts: Iterable<string | Buffer>, headers: Record<string, string> = {}): Reply {
  return {
    raw: async (outgoing) => {
      begin(outgoing, headers)
      await pour(outgoing, parts)
    },
  }
}

/** No faster than the client reads, and no longer. */
async function pour(outgoing: ServerResponse, parts: Iterable<string | Buffer>): Promise<void> {
  for (const part of parts) {
    if (outgoing.destroyed) return
    if (outgoing.write(part)) continue
    const waiting = new AbortController()
    const { signal } = waiting
    await Promise.race([once(outgoing, 'drain', { signal }), once(outgoing, 'close', { signal })])
    waiting.abort()
  }
  outgoing.end()
}

/** One byte at a time. */
function stutters(bytes: string, ms: number): Reply {
  return {
    raw: async (outgoing) => {
      begin(outgoing)
      for (const byte of Buffer.from(bytes)) {
        if (outgoing.destroyed) return
        outgoing.write(Buffer.of(byte))
        await wait(ms)
      }
      outgoing.end()
    },
  }
}

/** Streams these bytes, then does nothing any more, or ends the connection without a word. */
function stops(bytes: string | undefined, how: 'hang' | 'close' | 'reset'): Reply {
  return {
    raw: async (outgoing) => {
      if (bytes !== undefined) {
        begin(outgoing)
        outgoing.flushHeaders()
        if (bytes) outgoing.write(bytes)
        // What was written in this turn is still corked.
        await wait(20)
      }
      if (how === 'close') outgoing.destroy()
      if (how === 'reset') outgoing.socket?.resetAndDestroy()
    },
  }
}

/** Bytes that are no HTTP, or not as it should be. */
function rawly(bytes: string, how: 'hang' | 'end' = 'end'): Reply {
  return {
    raw: (outgoing) => {
      if (how === 'end') outgoing.socket?.end(bytes)
      else outgoing.socket?.write(bytes)
    },
  }
}

function begin(outgoing: ServerResponse, headers: Record<string, string> = {}): void {
  outgoing.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
}

function* repeated(part: string, times: number): Generator<string> {
  for (let time = 0; time < times; time++) yield part
}

// — Who does it —

/** Behaves badly in its first run, and well in the next. */
const atFirst =
  (bad: Reply): Behaviour =>
  ({ run }) =>
    run === 1 ? bad : sends(whole(text(`run ${run}: `), text('all is well 🎈')))

/** Calls a tool in its first turn, and answers once it sees what came of that. */
const afterTool =
  (...calls: string[]): Behaviour =>
  ({ body }: Call) =>
    body.messages?.some(({ role }) => role === 'tool')
      ? sends(whole(text('I see.')))
      : sends([text('I try. '), ...calls, finish('tool_calls'), usage(3, 4), done].join(''))

const status = (code: number, headers: Record<string, string> = {}, body: object | string = { error: { message: 'No.' } }): Behaviour => {
  return () => ({ status: code, headers, body })
}

const fine: Pick<BadModel, 'ends'> = { ends: 'completed' }
const failed: Pick<BadModel, 'ends'> = { ends: 'model_failed' }
const refused: Pick<BadModel, 'ends'> = { ends: 'model_refused' }
const late: Pick<BadModel, 'ends'> = { ends: 'execution_timeout' }

const some = text('Some text 🎈, ')
const megabyte = 'x'.repeat(2 ** 20)

export const badModelCatalogue: Readonly<Record<string, BadModel>> = {
  // Hang.
  'hangs-at-once': { behave: () => ({ hang: true }), ...late },
  'hangs-after-headers': { behave: () => stops('', 'hang'), ...late },
  'hangs-in-headers': { behave: () => rawly('HTTP/1.1 200 OK\r\nContent-Ty', 'hang'), ...late },
  'hangs-after-text': { behave: () => stops(some, 'hang'), ...late },
  'hangs-in-a-character': { behave: () => stops(some.slice(0, -8), 'hang'), ...late },
  'hangs-in-an-error': { behave: () => rawly('HTTP/1.1 500 Oh\r\nContent-Length: 99\r\n\r\n{"err', 'hang'), ...late },

  // Stutter.
  'stutters-for-ever': { behave: () => stutters(whole(some, some, some), 50), ...late },
  'stutters-through': { behave: () => stutters(whole(some, text('日本語 🎈🎈')), 1), ...fine },
  'drips-keepalives': { behave: () => stutters(': keepalive\n\n'.repeat(100), 10), ...late },

  // Lie about what they have done.
  'counts-below-zero': { behave: () => sends([some, finish(), usage(-5, -1e300), done].join('')), ...fine },
  'counts-in-words': { behave: () => sends([some, finish(), usage('NaN', 'many'), done].join('')), ...failed },
  'counts-beyond-numbers': {
    behave: () => sends(`${some}${finish()}data: {"choices":[],"usage":{"prompt_tokens":1e999}}\n\n${done}`),
    ...failed,
  },
  'counts-in-fractions': { behave: () => sends([some, finish(), usage(0.5, 1e17), done].join('')), ...fine },
  'ends-for-no-known-reason': { behave: () => sends([some, finish('banana'), done].join('')), ...fine },
  'ends-for-a-number': { behave: () => sends([some, finish(42), done].join('')), ...failed },
  'never-says-that-it-ends': { behave: () => sends([some, done].join('')), ...failed },
  'says-it-twice': { behave: () => sends([some, some, finish(), finish(), usage(1, 2), usage(3, 4), done, done].join('')), ...fine },
  'goes-on-after-its-end': { behave: () => sends(`${whole(some)}${some}${finish()}${done}`), ...fine },

  // Lie about what it is.
  'sends-nonsense': { behave: () => sends(`${some}data: {"choices": [{"delta": oops\n\n${done}`), ...failed },
  'sends-other-shapes': { behave: () => sends(`${event([1, 2])}${event('three')}${event(null)}${done}`), ...failed },
  'sends-no-choices': { behave: () => sends(chunk({ choices: [] }) + done), ...failed },
  'sends-null': { behave: () => sends([text(null), delta({ content: null, role: null }), whole(some)].join('')), ...fine },
  'sends-numbers-for-text': { behave: () => sends(whole(text(42))), ...failed },
  'sends-a-page': { behave: () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' }), ...failed },
  'sends-it-in-one': {
    behave: () => ({
      status: 200,
      body: { choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] },
    }),
    ...failed,
  },
  'sends-nothing': { behave: () => sends(''), ...failed },
  'sends-no-content': { behave: status(204, {}, ''), ...failed },
  'sends-what-is-no-gzip': { behave: () => sends(whole(some), { 'content-encoding': 'gzip' }), ...failed },
  'sends-broken-utf-8': {
    behave: () =>
      sends(
        Buffer.concat([
          Buffer.from(some.slice(0, -20)),
          Buffer.of(0xff, 0xc0, 0xed, 0xa0),
          Buffer.from(some.slice(-20)),
          Buffer.from(whole()),
        ]),
      ),
    ...fine,
  },
  'sends-halves-of-characters': {
    behave: () => sends(whole(text('a\ud83c'), text('\udf88b\udf88'), text('\ud83c'), text('\u0000\u2028 c'))),
    ...fine,
  },

  // Call tools that are none.
  'calls-with-broken-arguments': { behave: afterTool(toolCall({ function: { name: 'b', arguments: '{"query": "go' } })), ...fine },
  'calls-with-other-arguments': { behave: afterTool(toolCall({ function: { name: 'b', arguments: '[1, null]' } })), ...fine },
  'calls-what-is-not-there': { behave: afterTool(toolCall({ function: { name: 'rm -rf /', arguments: '{}' } })), ...fine },
  'calls-the-prototype': {
    behave: afterTool(toolCall({ function: { name: '__proto__', arguments: '{"__proto__": {"x": 1}}' } })),
    ...fine,
  },
  'calls-nothing': { behave: afterTool(toolCall({ function: { arguments: '{}' } })), ...failed },
  'calls-at-a-far-index': { behave: afterTool(toolCall({ function: { name: 'c', arguments: '{}' } }, 2 ** 31)), ...fine },
  'calls-for-ever': {
    behave: () => sends([toolCall({ function: { name: 'c', arguments: '{}' } }), finish('tool_calls'), done].join('')),
    ends: 'agent_turn_limit',
    timeout: 30,
  },

  // Say too much.
  'says-all-in-one-piece': { behave: () => sends(whole(text(megabyte.repeat(4)))), ...fine, bulky: true, timeout: 30 },
  'says-too-much': { behave: () => pours(repeated(text(megabyte.slice(0, 2 ** 16)), 800)), ...failed, bulky: true, timeout: 30 },
  'never-ends-its-line': { behave: () => pours(['data: {"choices": "', ...repeated(megabyte, 100)]), ...failed, bulky: true, timeout: 30 },
  'never-ends-its-headers': {
    behave: () => rawly(`HTTP/1.1 200 OK\r\n${'X-Header: more and more of it\r\n'.repeat(10_000)}`, 'hang'),
    ...failed,
  },
  'refuses-at-length': { behave: () => ({ raw: longError }), ...failed, bulky: true, timeout: 30 },

  // Break off.
  'closes-at-once': { behave: () => stops(undefined, 'close'), ...failed },
  'closes-in-headers': { behave: () => rawly('HTTP/1.1 200 OK\r\nContent-Ty'), ...failed },
  'closes-in-a-chunk': { behave: () => stops(some.slice(0, -8), 'close'), ...failed },
  'closes-after-text': { behave: () => stops(some, 'close'), ...failed },
  'resets-after-text': { behave: () => stops(some, 'reset'), ...failed },
  'closes-too-early': {
    behave: () => rawly(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n${some}`),
    ...failed,
  },
  'sends-bad-chunks': {
    behave: () => rawly(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${some}`),
    ...failed,
  },
  'speaks-no-http': { behave: () => rawly('220 mail.example.com ESMTP\r\n'), ...failed },

  // Refuse.
  'is-overloaded': { behave: status(503), ...failed },
  'fails-without-a-word': { behave: status(500, {}, ''), ...failed },
  'asks-for-an-hour': { behave: status(429, { 'retry-after': '3600' }), ...late },
  'asks-for-nonsense': { behave: status(429, { 'retry-after': '-1e9 years' }), ...failed },
  'knows-nobody': { behave: status(401), ...refused },
  'redirects-for-ever': { behave: status(307, { location: '/v1/chat/completions' }), ...refused },
  'redirects-into-nothing': { behave: status(307, { location: 'http://127.0.0.1:1/' }), ...refused },
  'says-not-modified': { behave: status(304, {}, ''), ...refused },

  // … and do well when they are asked again.
  'closes-once-after-text': { behave: atFirst(stops(some + some, 'close')), ...fine },
  'closes-once-in-a-character': { behave: atFirst(stops(text('a\ud83c'), 'close')), ...fine },
  'sends-nonsense-once': { behave: atFirst(sends(`${some}data: oops\n\n`)), ...fine },
  'is-overloaded-once': { behave: atFirst({ status: 429, headers: { 'retry-after': '1' }, body: '' }), ...fine },
}

async function longError(outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(500, { 'content-type': 'text/plain' })
  await pour(outgoing, repeated(megabyte, 50))
}

export const badModels: Readonly<Record<string, Behaviour>> = Object.fromEntries(
  Object.entries(badModelCatalogue).map(([name, { behave }]) => [name, behave]),
)
