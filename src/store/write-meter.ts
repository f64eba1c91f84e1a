/** What the store tells of its writes, for whoever counts them. Told on the hot path: an implementation only adds to numbers in memory. */
export interface WriteMeter {
  /** A transaction has ended. @param seconds of the writing thread, with the flush to disk */
  committed(writes: number, seconds: number): void
  /** One write of it. @param seconds from the request until its transaction began */
  waited(seconds: number): void
}
