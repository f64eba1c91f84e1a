import { setImmediate as nextTurn } from 'node:timers/promises'

let last: Promise<unknown> = Promise.resolve()

/**
 * Resolves in a turn of the event loop in which no other large piece of work is done: one that takes tens of milliseconds, as
 * megabytes of text do, waits for the others, and all that is small comes in between.
 */
export function ownTurn(): Promise<void> {
  const turn = last.then(() => nextTurn())
  last = turn
  return turn
}
