import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { childrenOf, isRunning } from '../../test/support/child-processes.ts'
import { StudioError } from '../errors.ts'
import { LazySandbox } from './lazy-sandbox.ts'
import { ProcessPool, type PoolOptions } from './process-pool.ts'
import { wallFlags } from './sandbox-process.ts'
import type { Program, ProgramResult, Sandbox } from './sandbox.ts'

const never = new AbortController().signal
const endless = 'for (;;);'

const program = (source: string, more: Partial<Program> = {}): Program => ({
  source,
  scope: { input: { name: 'Ada', items: [1, 2] } },
  now: Date.UTC(2026, 0, 2, 3, 4, 5),
  seed: 'execution-1/step-1',
  tenant: 'one',
  // However busy the machine is on which this runs.
  timeoutMs: 20_000,
  ...more,
})

const outputOf = async (sandbox: Sandbox, source: string, more?: Partial<Program>): Promise<unknown> =>
  (await sandbox.run(program(source, more), never)).output

/** The error with which it ends. */
async function failureOf(result: Promise<unknown>): Promise<StudioError> {
  const error: unknown = await result.catch((error: unknown) => error)
  if (error instanceof StudioError) return error
  throw new Error('it did not end with an error of the catalogue', { cause: error })
}

/** The processes of the sandboxes of this process. */
const processes = (): number[] => childrenOf(process.pid)

describe('a program', () => {
  const sandbox = new ProcessPool()
  const run = (source: string, more?: Partial<Program>): Promise<ProgramResult> => sandbox.run(program(source, more), never)
  const output = (source: string, more?: Partial<Program>): Promise<unknown> => outputOf(sandbox, source, more)
  const failure = (source: string, more?: Partial<Program>): Promise<StudioError> => failureOf(run(source, more))
  afterAll(() => sandbox.close())

  it.each([null, true, -1.5, 'ä€😀\u0000\ud800', [], {}, { a: [{ b: null }], '': '' }])('gives %j, when it returns that', async (value) => {
    expect(await output(`return ${JSON.stringify(value)}`)).toEqual(value)
  })

  it('leaves out members that are undefined, and writes what says how, as JSON does', async () => {
    expect(await output('return { a: undefined, at: new Date(), b: 1 }')).toEqual({ at: '2026-01-02T03:04:05.000Z', b: 1 })
  })

  it('finds what it is given under its names, and may use these for something else', async () => {
    expect(
      await output('return `${input.name} ${steps.fetch.items[1]}`', {
        scope: { input: { name: 'Ada' }, steps: { fetch: { items: [1, 2] } } },
      }),
    ).toBe('Ada 2')
    expect(await output('const input = 1; return input')).toBe(1)
    expect(
      await output('return [input.__proto__.a, Object.keys(input)]', { scope: { input: JSON.parse('{"__proto__": {"a": 1}}') } }),
    ).toEqual([1, ['__proto__']])
  })

  it('may be asynchronous', async () => {
    expect(await output('const all = await Promise.all([1, 2].map(async (n) => { await null; return n * 2 })); return all')).toEqual([2, 4])
  })

  it('has a clock that shows the time that it is given, in UTC, and stands still', async () => {
    const now = Date.UTC(2026, 0, 2, 3, 4, 5)
    const source =
      'const began = Date.now(); for (let i = 0; i < 1e5; i++); return [began, Date.now(), new Date().getHours(), String(new Date())]'
    expect(await output(source)).toEqual([now, now, 3, 'Fri Jan 02 2026 03:04:05 GMT+0000'])
  })

  it('has random numbers that are the same when it runs again, and others for another seed', async () => {
    const source = 'return [Math.random(), Math.random(), Math.random()]'
    const first = await output(source)
    expect(await output(source)).toEqual(first)
    const others = (await output(source, { seed: 'execution-1/step-2' })) as number[]
    expect(new Set([...(first as number[]), ...others]).size).toBe(6)
  })

  it('has its logs kept, each call as one text', async () => {
    const { logs } = await run(`console.log('a', 1, null, undefined, true, 12n, Symbol('s'))
      console.error({ a: [1], f() {}, map: new Map([['k', 'v']]), error: new TypeError('wrong') })
      const cycle = {}; cycle.cycle = cycle; console.warn(cycle)
      console.info(new RangeError('far'))
      return 1`)
    expect(logs).toEqual([
      'a 1 null undefined true 12n Symbol(s)',
      '{"a":[1],"f":"[function]","map":[["k","v"]],"error":"TypeError: wrong"}',
      '{"cycle":"[object Object]"}',
      'RangeError: far\n    at <anonymous> (code:4:24)',
    ])
  })

  it('has no more kept of its logs than there is room for, and that is said', async () => {
    const { logs } = await run(`console.log('x'.repeat(20000)); console.log('y'.repeat(20000)); console.log('z'); return 1`)
    expect(logs.map((entry) => entry.length)).toEqual([20_000, 12_000, 41])
    expect(logs.at(-1)).toMatch(/not kept/)
    expect((await run('for (let i = 0; i < 5000; i++) console.log(i); return 1')).logs).toHaveLength(1_001)
  })

  it.each([
    ['const a = 1\n\nreturn a.b.c', 3, "TypeError: cannot read property 'c' of undefined"],
    ['const f = () => {\n  throw new RangeError("far")\n}\nf()', 2, 'RangeError: far'],
    ['const a = 1\nconst = 2', 2, 'SyntaxError: '],
    ['await null\nawait Promise.reject(new Error())', 2, 'Error'],
    ['\nreturn JSON.parse("{")', 2, 'SyntaxError: '],
    ['total = 1', 1, 'ReferenceError: '],
    ['\nthrow { status: 404 }', undefined, '{"status":404}'],
    ['throw "a text"', undefined, 'a text'],
    ['setTimeout(() => {}, 1)', 1, 'ReferenceError: '],
  ])('that fails says why, and in which of its lines: %j', async (source, line, reason) => {
    const error = await failure(source)
    expect(error).toMatchObject({ code: 'code_failed', status: 422, members: line === undefined ? {} : { line } })
    expect(error.details).toMatchObject({ reason: expect.stringContaining(reason) })
  })

  it('that fails has its logs in the details', async () => {
    expect((await failure('console.log("so far"); null.x')).details).toMatchObject({ logs: ['so far'] })
  })

  it('that waits for what never comes fails', async () => {
    expect((await failure('await new Promise(() => {})')).message).toContain('nothing settles')
  })

  it.each([
    ['', '', 'is undefined'],
    ['return () => {}', '', 'is a function'],
    ['return { a: [1, () => {}] }', 'a[1]', 'is a function'],
    ['return [1, , 2]', '[1]', 'is undefined'],
    ['return { n: 1n }', 'n', 'is a BigInt'],
    ['return { n: 0 / 0 }', 'n', 'is NaN'],
    ['return [{ s: Symbol() }]', '[0].s', 'is a symbol'],
    ['return { a: { b: new Map() }, c: 1 }', 'a.b', 'is a Map'],
    ['return { a: 1, later: Promise.resolve(1) }', 'later', 'await it first'],
    ['return { bytes: new Uint8Array(2) }', 'bytes', 'is a typed array'],
    ['const a = { b: {} }; a.b.c = a; return a', 'b.c', 'refers back'],
    ['let a = 1; for (let i = 0; i < 65; i++) a = [a]; return a', '[0]'.repeat(64), 'more than 64 deep'],
    ['return "x".repeat(1_000_001)', '', 'larger than 1000000 bytes'],
    ['return "ä".repeat(600_000)', '', 'larger than 1000000 bytes'],
  ])('that returns what is no JSON is told where: %j', async (source, path, reason) => {
    const error = await failure(source)
    expect(error).toMatchObject({ code: 'code_output_invalid', status: 422, details: { path } })
    expect(error.message).toContain(reason)
  })

  it('may return up to the limit', async () => {
    expect(await output('return "x".repeat(999_998)')).toHaveLength(999_998)
    let nested: unknown = 1
    for (let depth = 0; depth < 64; depth++) nested = [nested]
    expect(await output('let a = 1; for (let i = 0; i < 64; i++) a = [a]; return a')).toEqual(nested)
  })

  it('is not run when what it would be given is too large or no JSON', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['cycle'] = cycle
    for (const scope of [{ input: 'x'.repeat(10_000_000) }, { input: 1n }, cycle]) {
      expect(await failure('return 1', { scope })).toMatchObject({ code: 'code_input_invalid', status: 422 })
    }
    expect(await output('return input.length', { scope: { input: 'x'.repeat(9_000_000) } })).toBe(9_000_000)
  })

  it('has the memory that it is given', async () => {
    const source = 'return new Uint8Array(100 * 2 ** 20).length'
    expect(await failure(source)).toMatchObject({ code: 'code_out_of_memory', message: expect.stringContaining('64 MiB') })
    expect(await output(source, { memoryBytes: 128 * 2 ** 20 })).toBe(100 * 2 ** 20)
    expect(await failure('return new Uint8Array(9e6)', { memoryBytes: 8 * 2 ** 20 })).toMatchObject({ code: 'code_out_of_memory' })
  })
})

const pools: ProcessPool[] = []

function makePool(options: PoolOptions = {}): ProcessPool {
  const pool = new ProcessPool(options)
  pools.push(pool)
  return pool
}

describe('the pool', () => {
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()))
    if (processes().length > 0) throw new Error('a process is left behind')
  })

  it('starts nothing before the first program comes, and no more than it has to do', async () => {
    const pool = makePool({ processes: 3 })
    expect(processes()).toEqual([])
    for (const _ of [1, 2, 3]) await outputOf(pool, 'return 1')
    expect(processes()).toHaveLength(1)
  })

  it('runs programs beside each other, as many as there are processes', async () => {
    const pool = makePool({ processes: 3 })
    const results = [1, 2, 3, 4, 5].map((number) => outputOf(pool, `return ${number}`, { tenant: `${number}` }))
    expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5])
    expect(processes()).toHaveLength(3)
  })

  it('ends a program at its deadline, with its process, and has another one ready', async () => {
    const pool = makePool({ processes: 1 })
    await outputOf(pool, 'return 1')
    const [first] = processes()
    const began = performance.now()
    const error = await failureOf(outputOf(pool, endless, { timeoutMs: 200 }))
    expect(error).toMatchObject({ code: 'code_timed_out', status: 422, details: { timeout_ms: 200 } })
    expect(performance.now() - began).toBeGreaterThan(195)
    expect(await outputOf(pool, 'return 1')).toBe(1)
    expect(processes()).not.toContain(first)
  })

  it('ends what nobody waits for any more, whether it runs or waits', async () => {
    const pool = makePool({ processes: 1 })
    const [running, waiting] = [new AbortController(), new AbortController()]
    await outputOf(pool, 'return 1')
    const results = [running, waiting].map(({ signal }) => pool.run(program(endless, { timeoutMs: 60_000 }), signal))
    waiting.abort(new Error('not any more'))
    await expect(results[1]).rejects.toThrow('not any more')
    running.abort(new Error('nor this'))
    await expect(results[0]).rejects.toThrow('nor this')
    await expect(pool.run(program('return 1'), running.signal)).rejects.toThrow('nor this')
    expect(await outputOf(pool, 'return 1')).toBe(1)
  })

  it('takes an abort that comes late for none', async () => {
    const pool = makePool({ processes: 1 })
    const late = new AbortController()
    await pool.run(program('return 1'), late.signal)
    const next = outputOf(pool, 'return 2')
    late.abort()
    expect(await next).toBe(2)
  })

  it('keeps a process for others, however many endless loops one tenant has', async () => {
    const pool = makePool({ processes: 2 })
    const loops = [1, 2, 3, 4].map(() => failureOf(outputOf(pool, endless, { tenant: 'greedy', timeoutMs: 60_000 })))
    for (const tenant of ['a', 'b', 'a']) expect(await outputOf(pool, 'return 1', { tenant })).toBe(1)
    await pool.close()
    expect((await Promise.all(loops)).map(({ code }) => code)).toEqual(Array(4).fill('shutting_down'))
  })

  it('replaces a process after a number of programs, before the next one comes', async () => {
    const pool = makePool({ processes: 1, runsPerProcess: 2 })
    await outputOf(pool, 'return 1')
    const first = processes()
    await outputOf(pool, 'return 1')
    await vi.waitUntil(() => processes().length === 1 && processes()[0] !== first[0])
    expect(await outputOf(pool, 'return 1')).toBe(1)
  })

  it('lets processes go that rest for long, but for one', async () => {
    const pool = makePool({ processes: 3, idleMs: 50 })
    await Promise.all(['a', 'b', 'c'].map((tenant) => outputOf(pool, 'return 1', { tenant })))
    await vi.waitUntil(() => processes().length === 1)
    expect(await outputOf(pool, 'return 1')).toBe(1)
  })

  it('ends a process that takes too much memory for itself', async () => {
    const pool = makePool({ processes: 1, processMemoryBytes: 1 })
    expect(await failureOf(outputOf(pool, endless, { timeoutMs: 60_000 }))).toMatchObject({ code: 'code_out_of_memory' })
  })

  it('runs a program again whose process ended by itself, but not a third time', async () => {
    const troubles: string[] = []
    const pool = makePool({ processes: 1, onTrouble: (reason) => troubles.push(reason) })
    await outputOf(pool, 'return 1')
    const result = failureOf(outputOf(pool, endless, { timeoutMs: 60_000 }))
    for (const time of [1, 2]) {
      await vi.waitUntil(() => pool.running === 1)
      for (const pid of processes()) process.kill(pid, 'SIGKILL')
      await vi.waitUntil(() => troubles.length === time)
    }
    expect(await result).toMatchObject({ code: 'sandbox_failed', status: 503 })
    expect(troubles).toEqual([expect.stringContaining('SIGKILL'), expect.stringContaining('SIGKILL')])
    expect(await outputOf(pool, 'return 1')).toBe(1)
  })

  it('does not mind when a process ends while it rests', async () => {
    const pool = makePool({ processes: 2 })
    await outputOf(pool, 'return 1')
    for (const pid of processes()) process.kill(pid, 'SIGKILL')
    // At once: before anybody has heard of it.
    expect(await outputOf(pool, 'return 1')).toBe(1)
  })

  it('says so when no process starts, to each program that waits, and tries again with the next', async () => {
    const troubles: string[] = []
    const pool = makePool({ processes: 2, onTrouble: (reason) => troubles.push(reason) })
    const path = process.execPath
    process.execPath = '/nowhere/node'
    const results = [1, 2, 3].map(() => failureOf(outputOf(pool, 'return 1')))
    process.execPath = path
    for (const error of await Promise.all(results)) expect(error).toMatchObject({ code: 'sandbox_failed' })
    expect(troubles[0]).toContain('ENOENT')
    expect(await outputOf(pool, 'return 1')).toBe(1)
  })

  it('ends everything when it is closed, and then takes nothing', async () => {
    const pool = makePool({ processes: 2 })
    await outputOf(pool, 'return 1')
    const results = [1, 2, 3].map(() => failureOf(outputOf(pool, endless, { timeoutMs: 60_000 })))
    const running = processes()
    await pool.close()
    expect(running.filter(isRunning)).toEqual([])
    for (const result of [...results, failureOf(outputOf(pool, 'return 1'))]) expect(await result).toMatchObject({ code: 'shutting_down' })
  })

  it('leaves it to the server when its processes end, whatever a terminal sends to all of them', async () => {
    const pool = makePool({ processes: 1 })
    await outputOf(pool, 'return 1')
    const [child] = processes()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child!, signal)
    expect(await outputOf(pool, 'return 1')).toBe(1)
    expect(processes()).toEqual([child])
  })
})

describe('a sandbox that is loaded when it is needed', () => {
  it('runs programs, and ends with or without having run one', async () => {
    const unused = new LazySandbox()
    await unused.close()
    expect(await failureOf(outputOf(unused, 'return 1'))).toMatchObject({ code: 'shutting_down' })
    const used = new LazySandbox({ processes: 1 })
    expect(await Promise.all([1, 2].map((number) => outputOf(used, `return ${number}`)))).toEqual([1, 2])
    expect(processes()).toHaveLength(1)
    await used.close()
    expect(processes()).toEqual([])
    expect(await failureOf(outputOf(used, 'return 1'))).toMatchObject({ code: 'shutting_down' })
  })
})

describe('around the machine', () => {
  afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))

  it('a process has no environment and no open file but its pipes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-studio-test-'))
    const file = openSync(join(folder, 'open'), 'w')
    process.env['AGENT_STUDIO_TEST_SECRET'] = 'planted'
    await outputOf(makePool({ processes: 1 }), 'return 1')
    const [child] = processes()
    delete process.env['AGENT_STUDIO_TEST_SECRET']
    // Only Linux tells this about another process.
    if (process.platform === 'linux') {
      expect(readFileSync(`/proc/${child}/environ`, 'utf8')).toBe('')
      const open = readdirSync(`/proc/${child}/fd`).map((fd) => readlinkSync(`/proc/${child}/fd/${fd}`))
      expect(open.filter((path) => !/^(socket|pipe|anon_inode):|^\/dev\/null$/.test(path))).toEqual([])
      expect(readlinkSync(`/proc/${child}/cwd`)).toBe('/')
    }
    closeSync(file)
    rmSync(folder, { recursive: true })
  })

  it('a second wall stands: whoever broke out could do nothing of what Node can do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-studio-test-'))
    const file = join(folder, 'secret')
    writeFileSync(file, 'secret')
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const support = join(import.meta.dirname, '../../test/support')
    const probe = [join(support, 'wall-probe.js'), String((server.address() as AddressInfo).port), file]
    const child = spawn(process.execPath, [...wallFlags([support]), ...probe], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    await once(child, 'exit')
    server.close()
    expect(JSON.parse(said.toString())).toEqual({ done: [], environment: {} })
    expect(readFileSync(file, 'utf8')).toBe('secret')
    rmSync(folder, { recursive: true })
  })
})
