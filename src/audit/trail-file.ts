import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Db } from '../store/store.ts'
import { START, type Head } from './chain.ts'
import { toEntry, type AuditEntry } from './entry.ts'
import { allEntries } from './export-repository.ts'

/** The entries of a trail for `verify`, wherever it is. */

export async function* entriesOf(db: Db): AsyncGenerator<AuditEntry[], void> {
  // From the very first, also if somebody has put one in before it.
  for await (const rows of allEntries(db, { after: Number.MIN_SAFE_INTEGER })) yield rows.map(toEntry)
}

/** Lines of an export that are in memory at once. */
const BATCH = 200

export async function* entriesOfLines(file: string): AsyncGenerator<AuditEntry[], void> {
  let batch: AuditEntry[] = []
  let number = 0
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number++
    if (line.trim() === '') continue
    batch.push(parseLine(line, number))
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** An export may begin anywhere, and then goes on from an entry that is not in it. */
export async function startOfLines(file: string): Promise<Head> {
  for await (const [first] of entriesOfLines(file)) {
    return first!.seq === 1 ? START : { seq: first!.seq - 1, hash: first!.previous_hash }
  }
  return START
}

/** The file is no export of a trail. The message is the one line that the user sees. */
export class NoTrail extends Error {
  override readonly name = 'NoTrail'
}

function parseLine(line: string, number: number): AuditEntry {
  try {
    const entry = JSON.parse(line) as AuditEntry
    if (Number.isSafeInteger(entry.seq)) return entry
  } catch {
    // No JSON at all.
  }
  throw new NoTrail(`Line ${number} is no entry of a trail.`)
}
