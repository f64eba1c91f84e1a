import type { Db } from '../store/store.ts'
import { toEntry } from './entry.ts'
import { allEntries, type ExportOptions } from './export-repository.ts'

/** The trail as text, some entries at a time: a line of JSON for each, the oldest first. */
export async function* exportLines(db: Db, options?: ExportOptions): AsyncGenerator<string, void> {
  for await (const rows of allEntries(db, options)) yield rows.map((row) => `${JSON.stringify(toEntry(row))}\n`).join('')
}
