// The writing thread: src/writer.ts, imported quickly. Not by static imports, which Node would resolve all at once.
await import('./quick-imports.js')
await import('../src/writer.ts')
