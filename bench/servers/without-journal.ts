// The same server, composed by its own code, but with a journal that records nothing. What Agent Studio takes longer than
// this is the price of recording.
import module from 'node:module'

const forgetful = { url: new URL('./forgetful-journal.ts', import.meta.url).href, format: 'module-typescript', shortCircuit: true }

await import(new URL('../../bin/quick-imports.js', import.meta.url).href)
module.registerHooks({
  resolve: (specifier, context, next) =>
    specifier.endsWith('/sqlite-journal.ts') && context.parentURL?.endsWith('/src/server.ts') ? forgetful : next(specifier, context),
})
const { main } = await import('../../src/main.ts')
await main(['serve'])
