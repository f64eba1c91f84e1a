#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=20
// Plain JavaScript, because it must run far enough to say so under a Node that is too old for everything else.
const [major] = process.versions.node.split('.')
if (Number(major) < 26) {
  console.error(`Agent Studio needs Node 26 or newer; this is ${process.version}. Start it with \`npm start\`, which brings its own.`)
  process.exit(1)
}
await import('./quick-imports.js')
const { main } = await import('../src/main.ts')
await main(process.argv.slice(2))
