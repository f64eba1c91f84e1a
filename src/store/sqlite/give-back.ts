import type { SqliteConnection } from './connection.ts'
import type { SqliteCommand } from './writer.ts'

/** Pages that stay free, as a share of the file: what executions need tomorrow need not be given back today. */
const SPARE = 0.05

/** Free pages that are not worth the trouble: 1 MB. */
const FEW = 256

/** Pages that are given back before it looks at the time again. */
const STEP = 16

/**
 * Gives free pages at the end of the database back to the file system, for about so many milliseconds: what a page costs
 * depends on how many are free. Pages that are in use there move to the front. The file shrinks with the next checkpoint.
 * @returns whether there is more to give
 */
export const giveBackPages: SqliteCommand<number, boolean> = {
  name: 'store.giveBackPages',
  runDirectly(connection, milliseconds) {
    // A database of a version that did not ask for it cannot shrink; what is free there is used again.
    if (readPragma(connection, 'auto_vacuum') !== INCREMENTAL) return false
    const kept = Math.max(FEW, Math.floor(readPragma(connection, 'page_count') * SPARE))
    const deadline = performance.now() + milliseconds
    while (readPragma(connection, 'freelist_count') > kept) {
      if (performance.now() > deadline) return true
      // One row for each page, and nothing is done that is not asked for.
      connection.prepare(`pragma incremental_vacuum(${STEP})`).all()
    }
    return false
  },
}

const INCREMENTAL = 2

function readPragma(connection: SqliteConnection, name: 'auto_vacuum' | 'page_count' | 'freelist_count'): number {
  return Number(connection.prepare(`pragma ${name}`).get()![name])
}

export const storeCommands = [giveBackPages]
