import { readFileSync, realpathSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeFolder, startServer, temporaryFolder } from './support/server.ts'

/** What a thread has loaded by the time that the server listens. */
interface Loaded {
  loaded: { url: string; format: string }[]
  /** Node's own modules. */
  builtin: string[]
}

const recorder = new URL('support/record-modules.js', import.meta.url).href

let folder: string
let server: Loaded
let writer: Loaded

beforeAll(async () => {
  folder = temporaryFolder()
  const env = { NODE_OPTIONS: `--import=${recorder}`, RECORD_MODULES: folder }
  // The first one leaves a database and compiled modules to the second.
  for (const _ of ['first', 'second']) await (await startServer(folder, env)).stop()
  server = JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8'))
  writer = JSON.parse(readFileSync(join(folder, 'writer.json'), 'utf8'))
})
afterAll(() => removeFolder(folder))

function packagesOf({ loaded }: Loaded): Set<string> {
  const names = loaded.map(({ url }) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
  return new Set(names.filter((name) => name !== undefined))
}

const filesOf = ({ loaded }: Loaded): string[] => loaded.map(({ url }) => url)

describe('a start', () => {
  it('loads no package that only some requests need', () => {
    const packages = packagesOf(server)
    expect([...packages]).toEqual(expect.arrayContaining(['fastify', 'kysely', 'pino', 'typebox']))
    expect(
      [...packages].filter((name) => /^ajv|^liquidjs$|^@ai-sdk\/(?!provider$)|^@fastify\/(ajv|fast-json)|^yaml$|^zod$/.test(name)),
    ).toEqual([])
  })

  it('loads of TypeBox what checks values, and nothing that computes with types', () => {
    expect(filesOf(server).filter((url) => /\/typebox\/build\/(type|value|compile)\//.test(url))).toEqual([])
  })

  it('makes no page of documentation', () => {
    expect(filesOf(server).filter((url) => /\/src\/http\/(docs|docs-page|errors-page|markdown|openapi)\.ts$/.test(url))).toEqual([])
  })

  it('loads nothing of the command line that asks servers', () => {
    expect(filesOf(server).filter((url) => /\/(cli|client)\/[^/]+\.ts$|\/cli\/|smol-toml/.test(url))).toEqual([])
  })

  it('loads no HTTP client', () => {
    expect(server.builtin.filter((name) => name.includes('undici'))).toEqual([])
  })

  it('loads into the writing thread what commands need, and nothing of HTTP', () => {
    expect([...packagesOf(writer)].toSorted()).toEqual(['canonicalize', 'kysely'])
    expect(filesOf(writer).filter((url) => /\/src\/http\/|\/(routes|schemas)\.ts$/.test(url))).toEqual([])
  })

  it('compiles nothing a second time, in either thread', () => {
    for (const { builtin } of [server, writer]) expect(builtin.filter((name) => name.includes('amaro'))).toEqual([])
  })
})

describe('an import that is resolved quickly', () => {
  it('finds what Node would: the file itself, in the format that its package says', () => {
    const modules = [...server.loaded, ...writer.loaded].filter(({ url }) => /\/src\/.*\.ts$|\/node_modules\/(kysely|typebox)\//.test(url))
    expect(modules.length).toBeGreaterThan(500)
    for (const { url, format } of modules) {
      const path = fileURLToPath(url)
      const { type } = JSON.parse(readFileSync(findPackageJSON(url)!, 'utf8')) as { type?: string }
      const expected = path.endsWith('.ts') ? 'module-typescript' : 'module'
      expect({ url, format, path: realpathSync(path), isModule: type === 'module' || path.endsWith('.mjs') }).toEqual({
        url,
        format: expected,
        path,
        isModule: true,
      })
    }
  })
})
