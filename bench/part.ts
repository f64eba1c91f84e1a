import type { Bench } from './measure.ts'
import type { Value } from './value.ts'

/** Something that is measured by itself, without a peer. */
export interface Part {
  name: string
  measure(bench: Bench): Promise<Value[]>
}
