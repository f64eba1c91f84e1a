// @ts-check
// A process of the sandbox: it starts the thread in which users' code runs, stands between it and the server, and ends as soon as the server has,
// however busy that thread is.
import { Worker } from 'node:worker_threads'
import { encodeFrame, FrameReader } from './frames.js'
import { INPUT_LIMIT } from './limits.js'

/** How often it is looked how much memory the process has. Milliseconds. */
const WATCH_MS = 50

/** Of the thread's own heap, which holds texts on their way in and out. What programs allocate lies elsewhere. */
const HEAP_MB = 96

/** QuickJS counts its own stack, and must come to the end of that first: 512 kB of it take about ten times as much here. */
const STACK_MB = 16

/** @type {{ library: string, wasm: string, memoryBytes: number }} */
const settings = JSON.parse(/** @type {string} */ (process.argv[2]))

// A terminal sends these to all processes of the server: it is the server who says when this one ends.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {})

const machine = new Worker(new URL('machine.js', import.meta.url), {
  workerData: settings,
  env: {},
  // Nothing that the thread prints gets between the frames.
  stdout: true,
  stderr: true,
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8, stackSizeMb: STACK_MB },
})

/** Undefined while nothing runs. @type {NodeJS.Timeout | undefined} */
let watch

machine.on('message', (message) => {
  clearInterval(watch)
  if (message === 'ready') return beginService()
  send({ ...message.report, rssBytes: process.memoryUsage.rss() }, message.output)
})
machine.on('error', (/** @type {NodeJS.ErrnoException} */ { code, message, stack }) => {
  if (watch === undefined) process.stderr.write(`${stack}\n`, endAtOnce)
  else send({ outcome: code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out_of_memory' : 'failed', reason: message, logs: [] }, undefined, endAtOnce)
})

function beginService() {
  process.permission.drop('fs.read')
  process.permission.drop('worker')
  const reader = new FrameReader({ head: 2 * INPUT_LIMIT, body: INPUT_LIMIT }, (task, scope) => {
    watch = setInterval(watchMemory, WATCH_MS)
    const own = new Uint8Array(scope)
    machine.postMessage({ task, scope: own }, [own.buffer])
  })
  process.stdin.on('data', (/** @type {Buffer} */ bytes) => reader.take(bytes))
  send({ outcome: 'ready' })
}

function watchMemory() {
  if (process.memoryUsage.rss() <= settings.memoryBytes) return
  send({ outcome: 'out_of_memory', logs: [] }, undefined, endAtOnce)
}

/** @param {object} head @param {Uint8Array} [body] @param {() => void} [sent] */
function send(head, body, sent) {
  const frame = Buffer.concat(encodeFrame(head, body))
  process.stdout.write(frame, sent)
}

/** Not by `process.exit`, which lets threads come to an end. */
function endAtOnce() {
  process.kill(process.pid, 'SIGKILL')
}

// The pipe closes when the server has ended, even by kill -9.
process.stdin.on('end', endAtOnce).on('error', endAtOnce).resume()
process.stdout.on('error', endAtOnce)
