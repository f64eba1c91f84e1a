import { hashOf, NO_HASH, type AuditEntry } from './entry.ts'

export type Fault = 'changed' | 'missing' | 'inserted' | 'reordered'

/** The first entry at which the trail is not what was written. */
export interface BadEntry {
  seq: number
  reason: Fault
  message: string
}

/** Where a chain has come to. */
export interface Head {
  seq: number
  hash: string
}

export const START: Head = { seq: 0, hash: NO_HASH }

/** How far away from its place an entry is looked for. */
const FAR = 1_000

/** Entries behind a bad one that `diagnose` wants to see, to tell what has happened. */
export const LOOK_AHEAD = FAR

export function follows(head: Head, entry: AuditEntry): boolean {
  return entry.seq === head.seq + 1 && entry.previous_hash === head.hash && hashOf(entry) === entry.hash
}

/**
 * What is wrong with an entry that does not follow. Whoever can write the file can make up a chain that is whole; what is told
 * here is what those leave behind who did not go that far.
 * @param rest what comes after it, up to `LOOK_AHEAD`
 */
export function diagnose(head: Head, entry: AuditEntry, rest: readonly AuditEntry[]): BadEntry {
  const next = head.seq + 1
  if (entry.seq > next) return missing(next, entry.seq - 1)
  if (entry.seq < next) {
    return { seq: entry.seq, reason: 'reordered', message: `Entry ${entry.seq} stands behind entry ${head.seq}.` }
  }
  const original = originalSeq(entry)
  // Two neighbours that have changed places look like this as well.
  if (wouldFollow(head, rest[0]) && original !== next + 1) return inserted(next)
  if (original === next) return rewritten(head, entry)
  if (original === undefined) return changed(next)
  if (original < next) return inserted(original)
  const wasBefore = rest.some(({ hash }) => hash === entry.previous_hash)
  if (!wasBefore) return missing(next, original - 1)
  return { seq: next, reason: 'reordered', message: `What stands as entry ${next} was entry ${original} when it was written.` }
}

/** An entry that is right by itself follows another one than that before it: its own chain was made anew, or that of the one before. */
function rewritten(head: Head, entry: AuditEntry): BadEntry {
  if (head.seq === 0) return missing(1, 1)
  return { ...changed(head.seq), message: `Entry ${head.seq} is not the one that entry ${entry.seq} was written after.` }
}

/** Whether this entry would follow the head, had it not made way for another one. */
function wouldFollow(head: Head, entry: AuditEntry | undefined): boolean {
  return entry !== undefined && follows(head, { ...entry, seq: head.seq + 1 })
}

/** The number that the entry had when it was written, if nothing else of it has changed. */
function originalSeq(entry: AuditEntry): number | undefined {
  for (let seq = Math.max(1, entry.seq - FAR); seq <= entry.seq + FAR; seq++) {
    if (hashOf({ ...entry, seq }) === entry.hash) return seq
  }
  return undefined
}

function changed(seq: number): BadEntry {
  return { seq, reason: 'changed', message: `Entry ${seq} is not as it was written.` }
}

function inserted(seq: number): BadEntry {
  return { seq, reason: 'inserted', message: `Entry ${seq} was put in between later on.` }
}

function missing(first: number, last: number): BadEntry {
  const message = first === last ? `Entry ${first} is missing.` : `Entries ${first} to ${last} are missing.`
  return { seq: first, reason: 'missing', message }
}
