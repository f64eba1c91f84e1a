import { createContext, Script, type Context } from 'node:vm'

/**
 * Bounds computations that nobody else can end: the match of a pattern that somebody wrote, a filter on a megabyte of text.
 * V8 stops JavaScript and the matching of a regular expression in their middle; `node:vm` is the way to ask for it.
 */

/** What took too long. */
export class Interrupted extends Error {}

/** How often work is begun again that was stopped although it had hardly run. */
const ATTEMPTS = 4

let sandbox: (Context & { work?: () => unknown }) | undefined
let script: Script | undefined

/**
 * Runs `work` on this thread and stops it when it has run for so many milliseconds. Costs about 75 µs, since a second thread keeps
 * the time: worth it only for what may take long.
 * @param work without effects: it may be stopped anywhere, and is begun again where the machine had no time for it
 * @throws Interrupted
 */
export function interruptible<T>(work: () => T, milliseconds: number): T {
  sandbox ??= createContext(Object.create(null) as object)
  script ??= new Script('work()')
  for (let attempt = 1; ; attempt++) {
    const before = threadMilliseconds()
    const outer = sandbox.work
    sandbox.work = work
    try {
      return script.runInContext(sandbox, { timeout: Math.max(1, Math.ceil(milliseconds * attempt)) }) as T
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      // The timeout is one of the clock on the wall. On a busy machine it passes while this thread waits for its turn.
      const ran = threadMilliseconds() - before
      if (ran >= milliseconds / 2 || attempt === ATTEMPTS) throw new Interrupted(`stopped after ${milliseconds} ms`)
    } finally {
      if (outer) sandbox.work = outer
      else delete sandbox.work
    }
  }
}

/** CPU time of this thread. Reading it is a call of the system: a microsecond on a busy machine. */
export function threadMilliseconds(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

let readAt = -Infinity
let lastRead = 0

/**
 * The same for the beginning of what is done ten thousand times a second, right to a millisecond: since it was last read, the
 * thread is taken to have run all the time.
 * @param now by the monotonic clock
 */
export function roughThreadMilliseconds(now: number): number {
  if (now - readAt >= 1) {
    readAt = now
    lastRead = threadMilliseconds()
  }
  return lastRead + (now - readAt)
}
