import { hash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { CodeInputInvalid, CodeTimedOut, SandboxFailed, ShuttingDown } from '../errors.ts'
import { INPUT_LIMIT } from './inside/limits.js'
import { memoryOf, resultOf } from './outcome.ts'
import { ProcessEnded, SandboxProcess, type Task } from './sandbox-process.ts'
import {
  DEFAULT_MEMORY_BYTES,
  DEFAULT_TIMEOUT_MS,
  LONGEST_TIMEOUT_MS,
  MOST_MEMORY_BYTES,
  type Program,
  type ProgramResult,
  type Sandbox,
} from './sandbox.ts'
import { WaitingPrograms } from './waiting-programs.ts'

export interface PoolOptions {
  /** How many processes there are at most. Each takes 90 MB while it rests. */
  processes?: number
  /** After so many programs a process is replaced. */
  runsPerProcess?: number
  /** So long may a process rest, unless it is the last one. Milliseconds. */
  idleMs?: number
  /** What a process may have, whatever it holds; it ends itself above. Bytes. */
  processMemoryBytes?: number
  /** Told why a process did not start or ended by itself. */
  onTrouble?: (reason: string) => void
}

/** One more than there are cores, so that a tenant which may hold all but one can use every core. */
const defaultProcesses = (): number => availableParallelism() + 1
const RUNS_PER_PROCESS = 500
const IDLE_MS = 300_000

/** A process that has grown beyond this is replaced rather than asked to collect its garbage. Bytes. */
const RESTING_MEMORY = 192 * 2 ** 20

/** Of a process while it runs a program: itself, that program's machine, and machines of others that are garbage. Bytes. */
const PROCESS_MEMORY = 2 * RESTING_MEMORY + MOST_MEMORY_BYTES

interface Run {
  readonly tenant: string
  readonly task: Task
  readonly scope: Uint8Array
  readonly timeoutMs: number
  readonly settle: PromiseWithResolvers<ProgramResult>
  /** While it runs. */
  process?: SandboxProcess | undefined
  /** Somebody ended it, so that of its process no answer is expected. */
  isEnded?: boolean
  /** A process was lost with it. */
  isSecondTry?: boolean
}

/**
 * A few processes that are kept ready, each for one program at a time. A program that reaches its deadline, or that nobody waits for any more, is
 * ended together with its process, which is the one way that is sure, and another process takes its place. They start when the first program comes.
 *
 * No tenant holds all of them (unless there is only one), so the endless loops of one leave a process to all others; what two do together ends
 * at their deadlines, and then whoever has the fewest programs running comes first.
 */
export class ProcessPool implements Sandbox {
  readonly #options: Required<PoolOptions>
  readonly #waiting: WaitingPrograms<Run>
  readonly #running = new Set<Run>()
  /** All that are not gone, with when each was last used (by the monotonic clock). */
  readonly #processes = new Map<SandboxProcess, number>()
  /** The one that was used last is the last one, and the next to be used. */
  readonly #idle: SandboxProcess[] = []
  #starting = 0
  #isClosed = false
  #dismissal: NodeJS.Timeout | undefined

  constructor(options: PoolOptions = {}) {
    this.#options = {
      processes: options.processes ?? defaultProcesses(),
      runsPerProcess: options.runsPerProcess ?? RUNS_PER_PROCESS,
      processMemoryBytes: options.processMemoryBytes ?? PROCESS_MEMORY,
      idleMs: options.idleMs ?? IDLE_MS,
      onTrouble: options.onTrouble ?? (() => {}),
    }
    this.#waiting = new WaitingPrograms(Math.max(1, this.#options.processes - 1))
  }

  /** Programs that run now. */
  get running(): number {
    return this.#running.size
  }

  async run(program: Program, signal: AbortSignal): Promise<ProgramResult> {
    signal.throwIfAborted()
    if (this.#isClosed) throw new ShuttingDown({})
    const run = prepare(program)
    const abort = (): void => this.#end(run, signal.reason)
    signal.addEventListener('abort', abort)
    this.#waiting.add(run)
    this.#dispatch()
    try {
      return await run.settle.promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#dismissal)
    for (const run of [...this.#waiting.takeAll(), ...this.#running]) this.#end(run, new ShuttingDown({}))
    const processes = [...this.#processes.keys()]
    for (const process of processes) process.kill()
    await Promise.all(processes.map((process) => process.ended))
  }

  /** Gives programs to processes, and starts more of those where they are wanted. */
  #dispatch(): void {
    while (this.#idle.length > 0) {
      const run = this.#waiting.take()
      if (!run) return
      void this.#execute(run, this.#idle.pop()!)
    }
    while (this.#waiting.ready > this.#starting && this.#processes.size < this.#options.processes) this.#start()
  }

  /** The deadline counts from here: a program does not pay for having waited, nor for the start of a process. */
  async #execute(run: Run, process: SandboxProcess): Promise<void> {
    const { task, scope, timeoutMs, settle } = run
    run.process = process
    this.#running.add(run)
    const deadline = setTimeout(() => this.#end(run, new CodeTimedOut({ timeout_ms: timeoutMs })), timeoutMs)
    try {
      const answer = await process.run(task, scope)
      this.#release(process, memoryOf(answer))
      settle.resolve(resultOf(answer, task.memoryBytes))
    } catch (error) {
      if (error instanceof ProcessEnded) this.#noteLoss(run, process, error)
      else settle.reject(error)
    } finally {
      clearTimeout(deadline)
      run.process = undefined
      this.#running.delete(run)
      this.#waiting.noteEnd(run)
      this.#dispatch()
    }
  }

  /** Ends a program that runs or waits. */
  #end(run: Run, reason: unknown): void {
    run.isEnded = true
    run.settle.reject(reason)
    if (run.process) run.process.kill()
    else this.#waiting.remove(run)
  }

  #start(): void {
    const process = new SandboxProcess(this.#options.processMemoryBytes)
    this.#processes.set(process, performance.now())
    this.#starting++
    void process.ended.then(() => this.#forget(process))
    void this.#await(process)
  }

  async #await(process: SandboxProcess): Promise<void> {
    try {
      await process.ready
      this.#starting--
      this.#rest(process)
      this.#dispatch()
    } catch (error) {
      this.#starting--
      this.#noteFailedStart(process, error as ProcessEnded)
    }
  }

  /** Those that wait are told when there is no process that they could wait for. The next program tries again. */
  #noteFailedStart(process: SandboxProcess, { message }: ProcessEnded): void {
    this.#forget(process)
    if (this.#isClosed) return
    this.#options.onTrouble(`A process for users' code did not start. ${message}`)
    if (this.#processes.size > 0) return
    for (const run of this.#waiting.takeAll()) this.#end(run, new SandboxFailed({}))
  }

  /**
   * Whatever ended a process that we did not end, a program has no effects, so it can run again: once, since it may have been the program itself.
   */
  #noteLoss(run: Run, process: SandboxProcess, { message }: ProcessEnded): void {
    void this.#replace(process)
    if (run.isEnded) return
    this.#options.onTrouble(`A process for users' code ended while it ran a program. ${message}`)
    if (run.isSecondTry) return this.#end(run, new SandboxFailed({}))
    run.isSecondTry = true
    run.process = undefined
    this.#waiting.add(run)
  }

  /** A process that has run a program. */
  #release(process: SandboxProcess, memoryBytes: number): void {
    if (process.runs >= this.#options.runsPerProcess || memoryBytes > RESTING_MEMORY) void this.#replace(process)
    else this.#rest(process)
  }

  /** So that the next program finds a process that is ready. */
  async #replace(process: SandboxProcess): Promise<void> {
    process.kill()
    await process.ended
    this.#forget(process)
    if (!this.#isClosed && this.#idle.length === 0 && this.#starting === 0 && this.#processes.size < this.#options.processes) this.#start()
  }

  #rest(process: SandboxProcess): void {
    if (!this.#processes.has(process)) return
    this.#processes.set(process, performance.now())
    this.#idle.push(process)
    this.#dismissal ??= setTimeout(() => this.#dismiss(), this.#options.idleMs).unref()
  }

  /** Lets go of processes that were not needed for a while, but for one. */
  #dismiss(): void {
    this.#dismissal = undefined
    const since = performance.now() - this.#options.idleMs
    for (const process of this.#idle.slice(0, -1)) {
      if (this.#processes.get(process)! > since) continue
      this.#forget(process)
      process.kill()
    }
    if (this.#idle.length > 1) this.#dismissal = setTimeout(() => this.#dismiss(), this.#options.idleMs).unref()
  }

  #forget(process: SandboxProcess): void {
    this.#processes.delete(process)
    const place = this.#idle.indexOf(process)
    if (place >= 0) this.#idle.splice(place, 1)
  }
}

/** @throws CodeInputInvalid */
function prepare({ source, scope, now, seed, tenant, timeoutMs, memoryBytes }: Program): Run {
  return {
    tenant,
    task: { source, now, seed: numberOf(seed), memoryBytes: Math.min(memoryBytes ?? DEFAULT_MEMORY_BYTES, MOST_MEMORY_BYTES) },
    scope: toJson(scope),
    timeoutMs: Math.min(timeoutMs ?? DEFAULT_TIMEOUT_MS, LONGEST_TIMEOUT_MS),
    settle: Promise.withResolvers(),
  }
}

function toJson(scope: Record<string, unknown>): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = Buffer.from(JSON.stringify(scope))
  } catch (error) {
    throw new CodeInputInvalid({ reason: error instanceof RangeError ? 'is nested too deep' : 'is not JSON' })
  }
  if (bytes.length > INPUT_LIMIT)
    throw new CodeInputInvalid({ reason: `is ${bytes.length} bytes of JSON, and ${INPUT_LIMIT} are the most` })
  return bytes
}

/** 48 bits, which fit into a number and, as microseconds, into the engine's clock. */
function numberOf(seed: string): number {
  return parseInt(hash('sha256', seed).slice(0, 12), 16)
}
