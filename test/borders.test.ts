import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * Who may import whom: features → ports ← adapters. A room is a folder under src, or a file of the root; each lists the
 * rooms that it may import besides itself and the root's plain values (errors, clock).
 */
const PLAIN = ['errors.ts', 'clock.ts', 'start-refused.ts', 'environments.ts', 'limit-issues.ts', 'version.ts']
const ROOMS: Record<string, string[]> = {
  models: [],
  graph: ['models'],
  nodes: ['graph', 'models', 'engine'],
  store: [],
  engine: ['graph', 'models', 'nodes', 'store'],
  http: [],
  housekeeping: ['config.ts', 'executions', 'idempotency', 'store'],
  idempotency: ['graph', 'http', 'store', 'studio.ts'],
  agents: ['graph', 'http', 'store', 'studio.ts'],
  workflows: ['agents', 'deployments', 'graph', 'http', 'store', 'studio.ts'],
  deployments: ['engine', 'executions', 'graph', 'http', 'store', 'studio.ts', 'workflows'],
  executions: ['deployments', 'engine', 'http', 'store', 'studio.ts'],
  operations: ['engine', 'http', 'store'],
  'studio.ts': ['engine', 'models', 'store'],
  'config.ts': ['models'],
}
/** The composition roots, which know every concrete class. */
const ROOTS = ['main.ts', 'server.ts', 'stop-server.ts', 'writer.ts', 'example.ts']

/** Within rooms: what only adapters may touch. */
const PACKAGES: { name: RegExp; only: RegExp }[] = [
  { name: /^fastify|^@fastify\//, only: /^http\/|routes\.ts$|^idempotency\/hooks\.ts$/ },
  { name: /^node:sqlite$/, only: /^store\/sqlite\// },
  { name: /^kysely$/, only: /^store\/|repository\.ts$/ },
  { name: /^@ai-sdk\//, only: /^models\// },
  { name: /^undici$/, only: /^models\// },
  { name: /^pino$/, only: /^(server|main)\.ts$/ },
]

const src = join(import.meta.dirname, '../src')
const files = globSync('**/*.ts', { cwd: src }).filter(
  (file) => !file.endsWith('.test.ts') && !file.includes('test-app') && !/^engine\/conformance[./]/.test(file),
)
const roomOf = (file: string): string => file.split('/')[0]!

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)
}

describe('the borders between the rooms', () => {
  it('knows every room', () => {
    const rooms = new Set(files.map(roomOf))
    const known = new Set([...Object.keys(ROOMS), ...ROOTS, ...PLAIN])
    expect([...rooms].filter((room) => !known.has(room))).toEqual([])
  })

  it('are crossed only where the table allows it', () => {
    const crossings = files.flatMap((file) => {
      const room = roomOf(file)
      if (ROOTS.includes(room)) return []
      const allowed = new Set([room, ...PLAIN, ...(ROOMS[room] ?? [])])
      return importsOf(file)
        .filter((target) => target.startsWith('.'))
        .map((target) => relative(src, join(src, dirname(file), target)))
        .filter((target) => !allowed.has(roomOf(target)))
        .map((target) => `${file} imports ${target}`)
    })
    expect(crossings).toEqual([])
  })

  it('are crossed by adapters only, between the core of the engine and its databases', () => {
    const crossings = files
      .filter((file) => /^(engine|store)\//.test(file) && !file.includes('/sqlite/'))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => target.includes('sqlite/'))
          .map((target) => `${file} imports ${target}`),
      )
    expect(crossings).toEqual([])
  })

  it('keep libraries in the room that adapts them', () => {
    const leaks = files.flatMap((file) =>
      importsOf(file).flatMap((target) =>
        PACKAGES.filter(({ name, only }) => name.test(target) && !only.test(file)).map(() => `${file} imports ${target}`),
      ),
    )
    expect(leaks).toEqual([])
  })
})
