// Rewrites a database into another file, on a thread of its own: SQLite does it in one call, during which nothing else happens there.
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

export interface Rewriting {
  file: string
  target: string
}

/** Undefined when it is done. An error loses what SQLite and the system say of it on its way to another thread. */
export type Rewritten = { errcode: number | undefined; code: string | undefined; message: string } | undefined

const { file, target } = workerData as Rewriting
parentPort!.postMessage(rewrite())

function rewrite(): Rewritten {
  let source: DatabaseSync | undefined
  try {
    source = new DatabaseSync(file, { timeout: 5_000 })
    // For the copy of a database whose version did not ask for it.
    source.exec('pragma auto_vacuum = incremental')
    source.prepare('vacuum into ?').run(target)
    return undefined
  } catch (error) {
    const { errcode, code, message } = error as NodeJS.ErrnoException & { errcode?: number }
    return { errcode, code, message }
  } finally {
    source?.close()
  }
}
