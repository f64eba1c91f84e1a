// Opens a data folder as the server does, and kills itself at the statement with the given number. Prints how many there were
// when it was not reached.
import { DatabaseSync, StatementSync } from 'node:sqlite'

const [dataDir, deadly] = process.argv.slice(2)
let statements = 0

function count(): void {
  if (++statements === Number(deadly)) process.kill(process.pid, 'SIGKILL')
}

function countCalls(prototype: Record<string, (...args: never[]) => unknown>, methods: string[]): void {
  for (const method of methods) {
    const real = prototype[method]!
    prototype[method] = function counted(this: unknown, ...args) {
      count()
      return real.apply(this, args)
    }
  }
}
countCalls(DatabaseSync.prototype as never, ['exec'])
countCalls(StatementSync.prototype as never, ['run', 'get', 'all', 'iterate'])

const { openDatabaseFile } = await import('../../src/store/sqlite/database-file.ts')
const { release } = await openDatabaseFile(dataDir!)
release()
console.log(statements)
