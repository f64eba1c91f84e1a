import { diagnose, follows, LOOK_AHEAD, START, type BadEntry, type Head } from './chain.ts'
import type { AuditEntry } from './entry.ts'

export interface Verdict {
  /** Entries that are whole: all, or those before the first bad one. */
  entries: number
  /** The last entry of a trail that is whole. */
  head?: Head
  bad?: BadEntry
}

export interface VerifyOptions {
  /** What was noted of the trail before: that entry must still be there. Otherwise a trail whose end is cut off is whole. */
  expected?: Head | undefined
  /** Where the chain begins. */
  start?: Head
}

/** Walks the chain from its beginning. 20 µs an entry. @param batches in their order */
export async function verify(batches: AsyncIterable<AuditEntry[]>, { expected, start = START }: VerifyOptions = {}): Promise<Verdict> {
  let head = start
  const spoiledBy = (bad: BadEntry): Verdict => ({ entries: Math.max(0, Math.min(head.seq, bad.seq - 1) - start.seq), bad })
  const iterator = batches[Symbol.asyncIterator]()
  for (let batch = await iterator.next(); !batch.done; batch = await iterator.next()) {
    for (const [index, entry] of batch.value.entries()) {
      if (!follows(head, entry)) {
        const rest = await lookAhead(batch.value.slice(index + 1), iterator)
        return spoiledBy(diagnose(head, entry, rest))
      }
      if (entry.seq === expected?.seq && entry.hash !== expected.hash) return spoiledBy(otherThanNoted(entry.seq))
      head = { seq: entry.seq, hash: entry.hash }
    }
  }
  if (expected && head.seq < expected.seq) return spoiledBy(cutOff(head.seq, expected.seq))
  return { entries: head.seq - start.seq, head }
}

async function lookAhead(rest: AuditEntry[], iterator: AsyncIterator<AuditEntry[]>): Promise<AuditEntry[]> {
  const entries = [...rest]
  while (entries.length < LOOK_AHEAD) {
    const batch = await iterator.next()
    if (batch.done) break
    entries.push(...batch.value)
  }
  await iterator.return?.()
  return entries
}

function otherThanNoted(seq: number): BadEntry {
  return { seq, reason: 'changed', message: `Entry ${seq} is not the one that was noted: the trail was written anew up to there.` }
}

function cutOff(last: number, expected: number): BadEntry {
  const message = `Entry ${last + 1} is missing: the trail ends with entry ${last}, but entry ${expected} was noted.`
  return { seq: last + 1, reason: 'missing', message }
}
