#!/usr/bin/env -S node --max-semi-space-size=16 --no-allocation-site-pretenuring
// Plain JavaScript, because it must run far enough to say so under a Node that is too old for everything else.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major] = process.versions.node.split('.')
if (Number(major) < 26) {
  runWithOwnNode()
  console.error(`Agent Studio needs Node 26 or newer; this is ${process.version}. Start it with \`npm start\`, which brings its own.`)
  process.exit(1)
}
await import('./quick-imports.js')
const { main } = await import('../src/main.ts')
await main(process.argv.slice(2))

/** Commands that end by themselves run on the Node that `npm install` has brought. A server is left to npm, which passes signals on. */
function runWithOwnNode() {
  const [command = 'serve'] = process.argv.slice(2)
  const own = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (command === 'serve' || !existsSync(own)) return
  // Ctrl-C is for the command, which knows what to say, and comes to both.
  process.on('SIGINT', () => {})
  process.exit(spawnSync(own, process.argv.slice(1), { stdio: 'inherit' }).status ?? 130)
}
