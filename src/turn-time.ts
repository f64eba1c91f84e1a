let time: number | undefined

/**
 * The monotonic clock as it was when this turn of the event loop first asked, in milliseconds: for what is asked a hundred
 * thousand times a second, and may be some milliseconds late.
 */
export function turnTime(): number {
  if (time === undefined) {
    time = performance.now()
    setImmediate(() => (time = undefined))
  }
  return time
}
