import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StudioError } from '../errors.ts'
import { ProcessPool } from './process-pool.ts'
import type { Program } from './sandbox.ts'

/** What an attack comes to: an output, or the code of an error; or one of several, where a busy machine decides what comes first. */
type Code = 'code_failed' | 'code_timed_out' | 'code_out_of_memory' | 'code_output_invalid'
type Expected = { output: unknown } | Code | readonly Code[]
type Attack = [title: string, source: string, expected: Expected]

const nothing: Expected = { output: 'nothing' }
const noMemory: Expected = ['code_out_of_memory', 'code_timed_out']
const noEnd: Expected = ['code_timed_out', 'code_out_of_memory', 'code_failed']
const tooMuch: Expected = ['code_output_invalid', 'code_timed_out']

/** Answers with whatever of the machine a program can see. */
const LOOK = `
const look = (realm) => {
  const found = ['process', 'require', 'module', 'Deno', 'Bun', 'std', 'os', 'fetch', 'XMLHttpRequest', 'WebSocket', 'setTimeout', 'setInterval', 'setImmediate',
    'performance', 'navigator', 'Worker', 'importScripts', 'WebAssembly', 'Buffer', 'global', 'window', 'self', 'print', 'scriptArgs', 'loadScript', 'bjson']
    .filter((name) => name in realm)
  return found.length > 0 ? found.join() : 'nothing'
};`

const outwards: Attack[] = [
  ['the global object', `${LOOK} return look(globalThis)`, nothing],
  ['the constructor of a function', `${LOOK} return look((() => {}).constructor('return this')())`, nothing],
  [
    'the constructor of an asynchronous function',
    `${LOOK} return look(await (async () => {}).constructor('return globalThis')())`,
    nothing,
  ],
  ['the constructor of a generator', `${LOOK} return look((function* () {}).constructor('yield globalThis')().next().value)`, nothing],
  ['the constructors of what it was given', `${LOOK} return look(input.constructor.constructor('return this')())`, nothing],
  [
    'the constructors of an error of the engine',
    `${LOOK} try { null.x } catch (e) { return look(e.constructor.constructor('return this')()) }`,
    nothing,
  ],
  ['the constructor of console', `${LOOK} return look(console.log.constructor('return this')())`, nothing],
  ['eval', `${LOOK} return look((0, eval)('this'))`, nothing],
  ['this of a sloppy function', `${LOOK} return look(new Function('return this')())`, nothing],
  ['callers of its own function', `return (function f() { return f.caller })()`, 'code_failed'],
  [
    'callers of a sloppy function',
    `return String(Function('return (function f() { return typeof f.caller + typeof f.arguments })()')())`,
    {
      output: 'undefinedundefined',
    },
  ],
  [
    'frames of the stack',
    `Error.prepareStackTrace = (_, frames) => frames
    const frames = new Error().stack
    const seen = Array.isArray(frames) ? frames.map((frame) => typeof frame.getThis?.() + String(frame.getFileName?.())).join() : ''
    return /file|node|\\//.test(seen.replaceAll('undefined', '')) ? seen : 'nothing'`,
    nothing,
  ],
  ['a constructor that a file is imported with', `return await import('node:fs')`, 'code_failed'],
  ['an import of a file', `return (await import('/etc/passwd')).default`, 'code_failed'],
  ['an import of data', `return (await import('data:text/javascript,export default 1')).default`, 'code_failed'],
  ['a static import', `import fs from 'fs'; return fs`, 'code_failed'],
  ['what an import was made from', `return import.meta.url`, 'code_failed'],
  ['require', `return require('fs').readFileSync('/etc/passwd', 'utf8')`, 'code_failed'],
  ['the environment', `return process.env`, 'code_failed'],
  ['open files', `return require('fs').readdirSync('/proc/self/fd')`, 'code_failed'],
  ['bindings of the process', `return process.binding('fs')`, 'code_failed'],
  ['WebAssembly', `return new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))`, 'code_failed'],
  ['the body of its own function', `}); globalThis.leak = 1; (async function () {`, 'code_output_invalid'],
  [
    'an error of traps before it is a program',
    `}, (() => { const evil = { get message() { throw evil }, get stack() { throw evil } }; throw evil })(), async function () {`,
    'code_failed',
  ],
  ['a comment that swallows what follows', `return 'nothing' //`, nothing],
  ['a comment that is not closed', `return 1 /*`, 'code_failed'],
  [
    'what another program left behind',
    `const before = globalThis.left ?? 'nothing'; globalThis.left = 'something'; Array.prototype.left = 1; return before`,
    nothing,
  ],
  ['… once more', `return globalThis.left ?? [].left ?? 'nothing'`, nothing],
  [
    'the clock of the machine',
    `return [Date.now(), +new Date(), new Date(2024, 0).getTimezoneOffset()].join()`,
    { output: '1000000000000,1000000000000,0' },
  ],
  [
    'a proxy in place of the global object',
    `Object.setPrototypeOf(globalThis, new Proxy({}, { get: (_, key) => { throw key }, has: () => true })); return 'nothing'`,
    nothing,
  ],
]

const inwards: Attack[] = [
  ['the prototype of all objects', `Object.prototype.admin = true; Object.prototype.output = 'x'; return { a: 1 }`, { output: { a: 1 } }],
  [
    '__proto__ as a member',
    `return JSON.parse('{"__proto__": {"admin": true}, "constructor": {"prototype": 1}}')`,
    {
      output: JSON.parse('{"__proto__": {"admin": true}, "constructor": {"prototype": 1}}'),
    },
  ],
  ['JSON.stringify', `JSON.stringify = () => '{"outcome":"output"}'; JSON.parse = () => ({}); return { a: 1 }`, { output: { a: 1 } }],
  [
    'toJSON of everything',
    `for (const type of [Object, Array, String, Number, Boolean]) type.prototype.toJSON = () => 'forged'
    return [1, 'a', true].map((one) => one)`,
    { output: 'forged' },
  ],
  ['toJSON that answers with itself', `return { toJSON() { return this } }`, 'code_output_invalid'],
  ['toJSON that never ends', `return { toJSON() { for (;;); } }`, 'code_timed_out'],
  [
    'toJSON that goes ever deeper',
    `const deeper = () => ({ toJSON: () => ({ deeper: deeper() }) }); return deeper()`,
    'code_output_invalid',
  ],
  ['a getter that never ends', `return { get a() { for (;;); } }`, 'code_timed_out'],
  ['a getter that throws', `return { get a() { throw new Error('no') } }`, 'code_failed'],
  ['getters without end', `const bomb = () => ({ get a() { return bomb() }, get b() { return bomb() } }); return bomb()`, tooMuch],
  ['a list that is ever longer', `return new Proxy([], { get: (_, key) => key === 'length' ? 2 ** 32 - 1 : 'x' })`, tooMuch],
  ['a list of four billion holes', `return new Array(2 ** 32 - 1)`, 'code_output_invalid'],
  ['a proxy with keys without end', `return new Proxy({}, { ownKeys: () => { for (;;); } })`, 'code_timed_out'],
  ['a proxy without sense', `return new Proxy({}, { ownKeys: () => ['a', 'a'], get: () => 1 })`, 'code_failed'],
  ['a revoked proxy', `const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy`, 'code_failed'],
  ['one list a billion times', `let list = [1]; for (let i = 0; i < 30; i++) list = [list, list]; return list`, tooMuch],
  ['a promise that is one over and over', `return { then(resolve) { resolve(this) } }`, 'code_timed_out'],
  [
    'promises that are patched',
    `Promise.prototype.then = () => { throw new Error('no') }; Promise.resolve = null; return await 'nothing'`,
    nothing,
  ],
  [
    'Symbol.species',
    `class Bad extends Promise { static get [Symbol.species]() { for (;;); } }; return new Bad((resolve) => resolve(1)).then((one) => one)`,
    'code_timed_out',
  ],
  ['iterators that are patched', `Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1 }; return [1, 2]`, { output: [1, 2] }],
  [
    'setters of all lists',
    `Object.defineProperty(Array.prototype, '0', { set() { throw new Error('no') }, get: () => 'forged' }); console.log('a'); return { a: { b: 1 } }`,
    'code_failed',
  ],
  ['an error whose message is a trap', `throw { get message() { for (;;); } }`, 'code_timed_out'],
  [
    'an error whose stack is a trap',
    `const error = new Error('x'); Object.defineProperty(error, 'stack', { get() { throw this } }); throw error`,
    'code_failed',
  ],
  ['an error that is no error', `throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })`, 'code_failed'],
  ['an error of 30 MB', `throw new Error('x'.repeat(3e7))`, 'code_failed'],
  ['nothing thrown', `throw undefined`, 'code_failed'],
  ['100 MB of output', `return 'x'.repeat(1e8)`, 'code_out_of_memory'],
  ['30 MB of output', `return 'x'.repeat(3e7)`, 'code_output_invalid'],
  ['a million members', `return Object.fromEntries(Array.from({ length: 2e5 }, (_, i) => ['member' + i, i]))`, tooMuch],
  ['1 GB of logs', `const text = 'x'.repeat(1e6); for (let i = 0; i < 1000; i++) console.log(text); return 'nothing'`, nothing],
  ['logs without end', `for (;;) console.log('x')`, 'code_timed_out'],
  [
    'logs that are traps',
    `console.log({ toJSON() { throw 1 } }, new Proxy([], { get() { throw 2 } }), Symbol('x'), Object.create(null)); return 'nothing'`,
    nothing,
  ],
]

const exhausting: Attack[] = [
  ['an endless loop', `for (;;);`, 'code_timed_out'],
  ['an endless loop that catches everything', `for (;;) try { for (;;); } catch {}`, 'code_timed_out'],
  ['an endless loop that finally goes on', `const f = () => { try { for (;;); } finally { f() } }; f()`, 'code_timed_out'],
  ['endless awaiting', `for (;;) await null`, 'code_timed_out'],
  ['endless microtasks of its own', `const again = () => Promise.resolve().then(again); again(); return 1`, 'code_timed_out'],
  ['endless microtasks that multiply', `const again = () => { queueMicrotask(again); queueMicrotask(again) }; again(); return 1`, noMemory],
  ['an endless generator', `function* all() { for (;;) yield 1 }; return [...all()]`, noMemory],
  ['an endless asynchronous generator', `async function* all() { for (;;) yield 1 }; for await (const one of all()); `, 'code_timed_out'],
  ['a promise that nobody settles', `await new Promise(() => {})`, 'code_failed'],
  ['deep recursion', `const f = () => f() + 1; return f()`, 'code_failed'],
  ['deep recursion that catches itself', `let n = 0; const f = () => { n++; try { f() } catch { f() } }; f()`, 'code_timed_out'],
  ['recursion through a getter', `const o = { get a() { return this.a } }; return o.a`, 'code_failed'],
  [
    'recursion through JSON',
    `let list = []; for (let i = 0; i < 1e5; i++) list = [list]; return JSON.stringify(list).length`,
    'code_failed',
  ],
  ['recursion through a parser', `return eval('('.repeat(1e6) + ')'.repeat(1e6))`, 'code_failed'],
  ['recursion through a regular expression', `return new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5)).test('x')`, 'code_failed'],
  ['recursion through proxies', `let p = {}; for (let i = 0; i < 2e4; i++) p = new Proxy(p, {}); return p.x ?? 1`, 'code_failed'],
  ['recursion through bound functions', `let f = () => 1; for (let i = 0; i < 2e4; i++) f = f.bind(null); return f()`, noEnd],
  ['a regular expression that tries all ways', `return /^(a+)+$/.test('a'.repeat(60) + 'b')`, 'code_timed_out'],
  ['a regular expression that looks back', `return /^(?:(a*)*\\1)*$/.test('a'.repeat(5000) + 'b')`, 'code_timed_out'],
  [
    '2 GB in steps',
    `const all = []; for (let i = 0; i < 2048; i++) all.push(new Uint8Array(2 ** 20).fill(1)); return all.length`,
    noMemory,
  ],
  ['2 GB at once', `return new ArrayBuffer(2 ** 31 - 1).byteLength`, 'code_out_of_memory'],
  ['2 GB that can grow', `return new ArrayBuffer(8, { maxByteLength: 2 ** 31 - 1 }).resize(2 ** 31 - 1)`, 'code_out_of_memory'],
  ['2 GB of shared memory', `return new SharedArrayBuffer(2 ** 31 - 1).byteLength`, 'code_out_of_memory'],
  ['a text that doubles', `let text = 'x'; for (;;) text += text`, 'code_failed'],
  ['texts that double', `const all = []; for (let text = 'x'.repeat(1e6); ; ) all.push(text + all.length)`, noMemory],
  ['a list that doubles', `const list = [1]; for (;;) list.push(...list)`, noEnd],
  ['a list with a place far away', `const list = []; list[4294967294] = 1; return list.sort().length`, 'code_timed_out'],
  ['a number with too many digits', `let n = 2n; for (;;) n **= 2n`, noEnd],
  ['numbers with many digits', `let n = 3n ** 400000n; for (;;) n * n`, noEnd],
  ['a map that grows', `const map = new Map(); for (let i = 0; ; i++) map.set(i, {})`, noMemory],
  ['closures that hold each other', `let f = () => 0; for (;;) { const g = f; f = () => g }`, noMemory],
  ['symbols without end', `const all = []; for (let i = 0; ; i++) all.push(Symbol.for('s' + i))`, noMemory],
  ['properties without end', `const o = {}; for (let i = 0; ; i++) o['p' + i] = i`, noMemory],
  [
    'memory that is taken when there is none',
    `const all = []; for (;;) try { all.push(new Array(1e4).fill(0)) } catch { all.length = all.length - 1 }`,
    noEnd,
  ],
  ['memory that is never given back', `const all = []; try { for (;;) all.push({}) } catch { for (;;); }`, 'code_timed_out'],
  ['sorting that never agrees', `return Array.from({ length: 1e6 }, (_, i) => i).sort(() => { for (;;); })`, 'code_timed_out'],
  ['sorting what is long', `for (;;) Array.from({ length: 1e5 }, (_, i) => -i).sort()`, 'code_timed_out'],
  ['searching without end', `const text = 'a'.repeat(1e6); for (;;) (text + 'b').indexOf(text + 'c')`, 'code_timed_out'],
  ['padding', `return 'x'.padStart(2 ** 30).length`, 'code_failed'],
  ['joining', `return new Array(2 ** 28).join('xxxxxxxx').length`, noEnd],
  ['replacing', `return 'x'.repeat(1e6).replaceAll('x', 'x'.repeat(1e6)).length`, noEnd],
  ['waiting for shared memory', `return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`, 'code_failed'],
  ['source that is long', `return ${'1+'.repeat(100_000)}1`, { output: 100_001 }],
  ['names without end', `let text = ''; for (let i = 0; ; i++) text += eval('var v' + i + ' = ' + i)`, noEnd],
  ['weak references without end', `const r = new FinalizationRegistry(() => {}); for (;;) r.register({}, new WeakRef({}))`, noEnd],
]

/** What never ends has not much time, and what ends by itself enough of it on the busiest machine. */
const DEADLINE_MS = 500
const LONG_DEADLINE_MS = 20_000
const LATE_MS = 200
/** Of this process, in which tests run as well. */
const MEMORY_MAY_GROW_BYTES = 64 * 2 ** 20

const program = (source: string): Program => ({
  source,
  scope: { input: { a: 1 } },
  now: 1e12,
  seed: 'execution/step',
  tenant: 'attacker',
  timeoutMs: LONG_DEADLINE_MS,
})

describe('a program that goes', () => {
  const pool = new ProcessPool({ processes: 2 })
  const signal = new AbortController().signal
  let peak = 0
  let before = 0
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20)
  let canary: string

  beforeAll(async () => {
    canary = mkdtempSync(join(tmpdir(), 'agent-studio-test-'))
    process.env['AGENT_STUDIO_TEST_SECRET'] = 'planted'
    await honest()
    before = process.memoryUsage.rss()
  })
  afterAll(async () => {
    clearInterval(watch)
    delete process.env['AGENT_STUDIO_TEST_SECRET']
    rmSync(canary, { recursive: true })
    await pool.close()
  })

  const honest = (): Promise<unknown> => pool.run({ ...program('return input.a + 1'), tenant: 'honest' }, signal)

  async function attack(source: string, timeoutMs: number): Promise<{ result: unknown; took: number }> {
    const began = performance.now()
    const result = await pool.run({ ...program(source), timeoutMs }, signal).then(
      ({ output }) => ({ output }),
      (error: unknown) => (error instanceof StudioError ? error.code : error),
    )
    return { result, took: performance.now() - began }
  }

  const groups: [string, Attack[]][] = [
    ['outwards', outwards],
    ['inwards', inwards],
    ['without end', exhausting],
  ]
  describe.each(groups)('%s', (_, attacks) => {
    it.each(attacks)('by %s', async (_title, source, expected) => {
      // So that a process is ready, as the deadline counts from when one has taken the program.
      await honest()
      const timeoutMs = [expected].flat().includes('code_timed_out') ? DEADLINE_MS : LONG_DEADLINE_MS
      const { result, took } = await attack(source, timeoutMs)
      if (Array.isArray(expected)) expect(expected).toContain(result)
      else expect(result).toEqual(expected)
      expect(took).toBeLessThan(timeoutMs + LATE_MS)
      expect(await honest()).toMatchObject({ output: 2 })
    })
  })

  it('has left nothing here, and taken nothing', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(readdirSync(canary)).toEqual([])
    expect(peak - before).toBeLessThan(MEMORY_MAY_GROW_BYTES)
  })
})
