// @ts-check
// The thread in which users' code runs. It is busy for as long as a program is, so the main thread of its process watches over it (process.js).
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { guest } from './guest.js'
import { DEPTH_LIMIT, LOG_ENTRIES, LOG_LIMIT, OUTPUT_LIMIT, TEXT_LIMIT } from './limits.js'

/** @typedef {{ source: string, now: number, seed: number, memoryBytes: number }} Task */
/** @typedef {{ outcome: string, reason?: string, stack?: string, path?: string, logs: string[] }} Report */

/** @type {typeof import('quickjs-wasi')} */
const { QuickJS, EvalFlags, Intrinsics, JSException, MAX_STACK_SIZE } = await import(workerData.library)
const { WebAssembly } = /** @type {{ WebAssembly: { compile(bytes: Uint8Array): Promise<ArrayBuffer> } }} */ (
  /** @type {unknown} */ (globalThis)
)
const wasm = await WebAssembly.compile(readFileSync(new URL(workerData.wasm)))

// Whatever this thread needed of the machine, it has now. Second wall: nothing that broke out of the virtual machine gets it back.
process.permission.drop('fs.read')
process.permission.drop('worker')

// Times, of which the machine would have real ones, come from the clock that each program is given.
const intrinsics = (Intrinsics.ALL & ~Intrinsics.PERFORMANCE) >>> 0
const limits = { outputLimit: OUTPUT_LIMIT, depthLimit: DEPTH_LIMIT, logLimit: LOG_LIMIT, logEntries: LOG_ENTRIES, textLimit: TEXT_LIMIT }
const library = (await createMachine({ nanoseconds: 0n }, 0)).compile(
  `(${guest.toString()})(${JSON.stringify(limits)})`,
  'sandbox',
  EvalFlags.STRICT,
)

/**
 * A virtual machine with memory of its own, which nobody has used. It is never freed, since what a program left behind could break that: it is
 * garbage like anything else.
 * @param {{ nanoseconds: bigint }} clock
 * @param {number} memoryLimit in bytes; 0 is none
 */
function createMachine(clock, memoryLimit) {
  return QuickJS.create({
    wasm,
    intrinsics,
    memoryLimit,
    maxStackSize: MAX_STACK_SIZE,
    timezoneOffset: 0,
    wasi: (/** @type {{ buffer: ArrayBuffer }} */ memory) => ({
      /** @param {number} _id @param {bigint} _precision @param {number} result */
      clock_time_get: (_id, _precision, result) => {
        new DataView(memory.buffer).setBigUint64(result, clock.nanoseconds, true)
        return 0
      },
      fd_write: () => 0,
    }),
  })
}

/**
 * @param {Task} task
 * @param {string} scope JSON
 * @returns {Promise<{ report: Report, output: Uint8Array }>}
 */
async function run({ source, now, seed, memoryBytes }, scope) {
  // The engine takes its random numbers from the time at which it begins.
  const clock = { nanoseconds: BigInt(seed) * 1_000n }
  const machine = await createMachine(clock, memoryBytes)
  clock.nanoseconds = BigInt(Math.trunc(now)) * 1_000_000n
  try {
    const ours = machine.evalBytecode(library)
    const call = (/** @type {string} */ name, /** @type {import('quickjs-wasi').JSValueHandle[]} */ ...values) =>
      machine.callFunction(ours.getProp(name), machine.undefined, ...values)
    try {
      const program = machine.evalCode(`(async function () {'use strict';${source}\n})`, 'code')
      call('start', program, machine.newString(scope))
    } catch (error) {
      if (!(error instanceof JSException)) throw error
      call('fail', error.handle)
    }
    machine.executePendingJobs()
    /** @type {Report} */
    const report = JSON.parse(call('report').toString())
    const output = new TextEncoder().encode(report.outcome === 'output' ? call('output').toString() : '')
    if (output.length <= OUTPUT_LIMIT) return { report, output }
    return { report: { outcome: 'too_large', logs: report.logs }, output: new Uint8Array() }
  } catch (error) {
    return { report: broken(/** @type {Error} */ (error)), output: new Uint8Array() }
  }
}

/** What ended a program in a way that the guest could not report: mostly that there was no memory left to do so. @param {Error} error @returns {Report} */
function broken({ message }) {
  if (/out of memory|malloc failed|<null>/.test(message)) return { outcome: 'out_of_memory', logs: [] }
  return { outcome: 'failed', reason: message.slice(0, TEXT_LIMIT), logs: [] }
}

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
port.on('message', (/** @type {{ task: Task, scope: Uint8Array }} */ { task, scope }) => {
  void run(task, new TextDecoder().decode(scope)).then((answer) => port.postMessage(answer))
})

// The engine is compiled as it is used, so the first program would wait for that.
await run({ source: 'return JSON.parse("[1]").map((n) => n + scope)', now: 0, seed: 0, memoryBytes: 2 ** 24 }, '{"scope":1}')
port.postMessage('ready')
