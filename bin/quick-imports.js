// What makes imports quick, for the server's thread and for its writing thread: each has to ask for it itself.
import module from 'node:module'
import { join } from 'node:path'

// Compiled once, and types taken off once: from the second start on, both are read from this folder.
module.enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/agent-studio'))

// Node writes that folder when a thread ends, but one that is killed leaves nothing for the next start. Milliseconds.
const WRITE_CACHE_AFTER = 5_000
setTimeout(() => module.flushCompileCache(), WRITE_CACHE_AFTER).unref()

/**
 * Folders in which each import names a file as it is: nothing is left out and nothing is looked up. To be sure of that, Node
 * would look for the file, for its real path and for the package.json that it belongs to, which is half of the time that
 * importing these takes. `format` is what Node would find.
 */
const plainFolders = [
  { folder: new URL('../src/', import.meta.url).href, file: /\.ts$/, format: 'module-typescript' },
  { folder: new URL('.', import.meta.resolve('kysely')).href, file: /\.js$/, format: 'module' },
  { folder: new URL('.', import.meta.resolve('typebox')).href, file: /\.mjs$/, format: 'module' },
]

module.registerHooks({
  resolve(specifier, context, resolveAsNode) {
    const { parentURL } = context
    if (specifier.startsWith('.') && parentURL !== undefined) {
      const plain = plainFolders.find(({ folder, file }) => parentURL.startsWith(folder) && file.test(specifier))
      if (plain) return { url: new URL(specifier, parentURL).href, format: plain.format, shortCircuit: true }
    }
    return resolveAsNode(specifier, context)
  },
})
