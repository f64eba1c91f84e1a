import type { Value } from './value.ts'
import type { Request } from './load/load.ts'
import type { Measured } from './measure.ts'
import type { Options } from './options.ts'
import type { Room, ServerProcess } from './room.ts'

/** Something that answers requests, ready for load. */
export interface Target {
  server: ServerProcess
  request: Request
}

/** What is measured, or what it is compared with. */
export interface Contender {
  name: string
  /** Starts what it needs, and tries one request. @throws when the answer is not what it should be */
  prepare(room: Room, options: Options): Promise<Target>
}

/** A subject, and beside it floors (what the machine could do at best) and peers. */
export interface Figure {
  name: string
  subject: Contender
  beside: Contender[]
  /** Only these of the numbers of connections that the options say. */
  connections?: readonly number[]
  /** Rounds are at least so long, for answers that take their time. */
  leastSeconds?: number
  judge(measured: Measured): Value[]
}
