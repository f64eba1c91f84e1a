/** How long steps that only compute may go on, all executions together, before others have their turn. Milliseconds. */
const TURN_MS = 5

/** When this turn of the event loop was first asked about; undefined before that. */
let began: number | undefined

/** @returns undefined as long as this turn of the event loop is short; then a promise that resolves in a later one */
export function takeTurn(): Promise<void> | undefined {
  if (began === undefined) {
    began = performance.now()
    setImmediate(() => (began = undefined))
    return undefined
  }
  if (performance.now() - began < TURN_MS) return undefined
  return new Promise((resolve) => setImmediate(resolve))
}
