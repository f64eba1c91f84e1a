import { CommandFailed, EXIT } from '../frame/exit.ts'

/** What is waited for, and how somebody gets back to it. */
export interface Waited {
  /** What goes on, as a sentence begins. */
  what: string
  id?: string | undefined
  /** The command that takes the wait up again. */
  back: string
}

/**
 * Waits for something that goes on without anybody waiting. Ctrl-C, or the end of `seconds`, leaves the wait and says how to return.
 * @param waited asked when the wait is left
 */
export async function waitFor<Result>(
  seconds: number | undefined,
  waited: () => Waited,
  wait: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  let left: 'interrupted' | 'timed_out' | undefined
  const leave = (why: typeof left): void => {
    left ??= why
    controller.abort(new Error(why))
  }
  const onInterrupt = (): void => leave('interrupted')
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onInterrupt)
  const timer = seconds === undefined ? undefined : setTimeout(() => leave('timed_out'), seconds * 1_000)
  try {
    return await wait(controller.signal)
  } catch (error) {
    if (left === undefined || !controller.signal.aborted) throw error
    const { what, id, back } = waited()
    const next = `To return: ${back}`
    if (left === 'interrupted')
      throw new CommandFailed(EXIT.interrupted, 'interrupted', `Detached. ${what} goes on.`, { next, executionId: id })
    throw new CommandFailed(EXIT.timedOut, 'timed_out', `${what} has not ended within ${seconds} s and goes on.`, { next, executionId: id })
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onInterrupt)
  }
}
