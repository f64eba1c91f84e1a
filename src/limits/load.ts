/** How often the event loop is asked whether it comes in time. It costs a microsecond. Milliseconds. */
const TICK_MS = 10
/** When a look is so late the loop is behind, … */
const BEHIND_MS = 50
/** … and when it is that at so many looks, and for so long, one after the other, there is too much to do. What is over sooner was a burst. */
const BEHIND_LOOKS = 3
const BEHIND_FOR_MS = 150
/** … or once for so long: then a turn was full of work, or others had the processor, and in both it is good to begin slowly. */
const FAR_BEHIND_MS = 1_000
/** There is not too much to do any more when in a second this share was refused at most, and no look was behind. */
const CALM_SHARE = 0.05
const CALM_AFTER_MS = 1_000
/**
 * With too much to do, new work is begun only in the first milliseconds of each turn of the event loop, and what comes later
 * in the turn is refused, which costs a tenth. What follows from new work takes several times as long as its beginning, so
 * these milliseconds are fewer the longer the turns become.
 */
const MOST_WORK_MS = 4
const LEAST_WORK_MS = 0.5
const TURN_MS = 15
/** So much new work is begun in any turn, and less in turns that are very long: a machine that others keep busy is slow with little to do. */
const FREE_WORK = 32
const LONG_TURN_MS = 100
/** All else is done up to here in a turn. */
const REST_MS = 50
/** When a write is not on disk after so long, and so many others are behind it, more of them would only make it worse. */
const LATE_WRITE_MS = 500
const MANY_WRITES = 256

/** `work` begins executions; `rest` is all else but for what is always answered. */
export type LoadKind = 'work' | 'rest'

export interface LoadSources {
  /** Writes that are not on disk. */
  pendingWrites: () => number
  /** Milliseconds that the oldest of them has waited; 0 where there is none. */
  oldestWriteMs: () => number
  /** Whether as many executions wait as can be held. */
  isFull: () => boolean
  /** The monotonic clock, in milliseconds. */
  now?: () => number
  /** Calls back when this turn of the event loop is over. */
  afterTurn?: (callback: () => void) => void
}

/**
 * Whether the server has more to do than it gets done. Two things say so: the event loop, in which everything waits for its
 * turn, and the writes that wait for the disk. It does not look at how many requests there are, since one may cost a
 * thousand times as much as another.
 */
export class Load {
  readonly #sources: Required<LoadSources>
  #lookedAt: number
  #looksBehind = 0
  #behindSince = 0
  #isOverloaded = false
  #refusesWork = false
  /** When the turn began to take requests. */
  #turnBegan: number | undefined
  #workMs = MOST_WORK_MS
  #freeWork = FREE_WORK
  /** Requests of this turn that begin new work. */
  #begun = 0
  /** Since when `asked` and `refused` are counted. */
  #countedSince = 0
  #asked = 0
  #refused = 0

  constructor(sources: LoadSources) {
    this.#sources = { now: () => performance.now(), afterTurn: setImmediate, ...sources }
    this.#lookedAt = this.#sources.now()
  }

  /** It ends with the process: a server that stops has as much to do as before. */
  watch(): void {
    setInterval(() => this.look(), TICK_MS).unref()
  }

  /** Called by the timer. */
  look(): void {
    const now = this.#sources.now()
    const sinceLast = now - this.#lookedAt
    this.#lookedAt = now
    this.#refusesWork = this.#areWritesLate() || this.#sources.isFull()
    this.#noteLateness(sinceLast - TICK_MS, now)
    if (!this.#isOverloaded) return
    this.#workMs = clamp(this.#workMs * Math.sqrt(TURN_MS / sinceLast), LEAST_WORK_MS, MOST_WORK_MS)
    this.#freeWork = Math.ceil(FREE_WORK * Math.min(1, LONG_TURN_MS / sinceLast))
    if (now - this.#countedSince >= CALM_AFTER_MS) this.#considerCalm(now)
  }

  #noteLateness(late: number, now: number): void {
    if (late <= BEHIND_MS) {
      this.#looksBehind = 0
      return
    }
    if (this.#looksBehind++ === 0) this.#behindSince = now - late
    const isBehind = this.#looksBehind >= BEHIND_LOOKS && now - this.#behindSince >= BEHIND_FOR_MS
    if (this.#isOverloaded || !(isBehind || late > FAR_BEHIND_MS)) return
    this.#isOverloaded = true
    this.#count(now)
  }

  #considerCalm(now: number): void {
    if (this.#looksBehind === 0 && this.#refused <= CALM_SHARE * this.#asked) this.#isOverloaded = false
    this.#count(now)
  }

  #count(since: number): void {
    this.#countedSince = since
    this.#asked = 0
    this.#refused = 0
  }

  /** Whether nothing is refused. Asked for every request, so it costs next to nothing. */
  get isCalm(): boolean {
    return !this.#isOverloaded && !this.#refusesWork
  }

  /** Whether a request is to be refused that has just come. */
  refuses(kind: LoadKind): boolean {
    if (kind === 'work' && this.#refusesWork) return true
    if (!this.#isOverloaded) return false
    const age = this.#turnAge()
    const isLate = kind === 'work' ? age > this.#workMs && this.#begun >= this.#freeWork : age > REST_MS
    this.#asked++
    if (isLate) this.#refused++
    else if (kind === 'work') this.#begun++
    return isLate
  }

  #turnAge(): number {
    const now = this.#sources.now()
    if (this.#turnBegan === undefined) {
      this.#turnBegan = now
      this.#begun = 0
      this.#sources.afterTurn(() => (this.#turnBegan = undefined))
    }
    return now - this.#turnBegan
  }

  #areWritesLate(): boolean {
    return this.#sources.pendingWrites() >= MANY_WRITES && this.#sources.oldestWriteMs() > LATE_WRITE_MS
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
