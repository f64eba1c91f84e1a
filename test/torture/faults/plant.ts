// Loaded into a server with --import: changes the text of source files as they are loaded, so that the server has one
// certain fault. It notes which files it changed; a fault whose text is not found any more ends the process.
import { appendFileSync, writeSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { faults, type Fault, type FaultName } from './faults.ts'

const name = process.env['TORTURE_FAULT'] as FaultName
const notes = process.env['TORTURE_FAULT_NOTES']!
const fault: Fault = faults[name]
const root = new URL('../../../src/', import.meta.url)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const file = url.startsWith(root.href) ? url.slice(root.href.length) : undefined
    const changes = file === undefined ? undefined : fault.changes[file]
    if (!changes) return loaded
    let source = Buffer.from(loaded.source as Uint8Array).toString()
    for (const [sound, faulty] of changes) {
      if (source.split(sound).length !== 2) abort(`the fault '${name}' cannot be planted: src/${file} does not have this once: ${sound}`)
      source = source.replace(sound, () => faulty)
    }
    appendFileSync(notes, `${file}\n`)
    return { ...loaded, source }
  },
})

/** An exception would end only the thread that loads the file. */
function abort(reason: string): never {
  writeSync(2, `${reason}\n`)
  process.exit(70)
}
