import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'

/** A process of its own, so that what makes a load, or measures one, is not held up by what else a test does. It ends with this one. */
export function startProcess(file: string): ChildProcess {
  // Nothing of the options of whoever runs the tests.
  const child = fork(join(import.meta.dirname, file), [], { execArgv: [], env: { PATH: process.env['PATH'] ?? '' } })
  child.once('exit', (code, signal) => {
    // Whoever waits for what it says would wait for ever.
    if (!child.killed) throw new Error(`the process of ${file} ended with ${code ?? signal}`)
  })
  return child
}
