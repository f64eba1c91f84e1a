import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * Who may import whom: features → ports ← adapters. A room is a folder under src, or a file of the root; each lists the
 * rooms that it may import besides itself and the root's plain values (errors, clock).
 */
const PLAIN = [
  'attempt-failed.ts',
  'retry-after.ts',
  'errors.ts',
  'clock.ts',
  'addresses.ts',
  'start-refused.ts',
  'environments.ts',
  'limit-issues.ts',
  'own-turn.ts',
  'turn-time.ts',
  'precondition.ts',
  'protections.ts',
  'version.ts',
]
const ROOMS: Record<string, string[]> = {
  'errors.ts': ['errors'],
  errors: [],
  outgoing: [],
  models: ['outgoing', 'secrets'],
  templates: ['interrupt.ts'],
  'data-schema': ['interrupt.ts'],
  sandbox: [],
  graph: ['models', 'templates', 'tools', 'data-schema', 'outgoing', 'sandbox', 'secrets'],
  tools: ['data-schema', 'graph', 'nodes', 'outgoing', 'secrets', 'templates'],
  nodes: ['data-schema', 'secrets', 'graph', 'models', 'engine', 'outgoing', 'tools'],
  limits: ['http'],
  store: [],
  engine: ['graph', 'limits', 'models', 'nodes', 'secrets', 'store'],
  http: [],
  audit: ['access', 'config.ts', 'graph', 'http', 'store'],
  housekeeping: ['config.ts', 'executions', 'idempotency', 'store'],
  idempotency: ['graph', 'http', 'store', 'studio.ts'],
  access: ['audit', 'config.ts', 'http', 'limits', 'store', 'studio.ts'],
  secrets: ['access', 'audit', 'config.ts', 'http', 'models', 'store'],
  variables: ['access', 'audit', 'http', 'secrets', 'store'],
  agents: ['audit', 'graph', 'http', 'secrets', 'store', 'studio.ts'],
  workflows: [
    'access',
    'agents',
    'audit',
    'deployments',
    'graph',
    'http',
    'models',
    'nodes',
    'secrets',
    'store',
    'studio.ts',
    'tools',
    'variables',
  ],
  comparison: ['graph'],
  deployments: [
    'access',
    'audit',
    'comparison',
    'engine',
    'executions',
    'graph',
    'http',
    'limits',
    'nodes',
    'secrets',
    'store',
    'studio.ts',
    'variables',
    'webhooks',
    'workflows',
  ],
  drafts: ['access', 'deployments', 'engine', 'executions', 'graph', 'http', 'studio.ts', 'workflows'],
  executions: ['access', 'audit', 'deployments', 'engine', 'graph', 'http', 'limits', 'nodes', 'store', 'studio.ts', 'webhooks'],
  webhooks: ['engine', 'http', 'nodes', 'outgoing', 'secrets', 'store'],
  catalogue: ['access', 'deployments', 'graph', 'http', 'models', 'store', 'studio.ts', 'tools'],
  operations: ['access', 'engine', 'http', 'store'],
  'interrupt.ts': [],
  'studio.ts': ['engine', 'graph', 'models', 'secrets', 'store', 'variables'],
  'config.ts': ['models'],
}
/** The composition roots, which know every concrete class. */
const ROOTS = ['main.ts', 'server.ts', 'stop-server.ts', 'writer.ts', 'example.ts', 'example-repository.ts']

/** Within rooms: what only adapters may touch. */
const PACKAGES: { name: RegExp; only: RegExp }[] = [
  { name: /^fastify|^@fastify\//, only: /^http\/|routes\.ts$|^(access|idempotency|limits)\/hooks\.ts$|^limits\/shed\.ts$/ },
  { name: /^diff$/, only: /^comparison\// },
  { name: /^node:sqlite$/, only: /^store\/sqlite\// },
  { name: /^kysely$/, only: /^store\/|repository\.ts$/ },
  { name: /^@ai-sdk\//, only: /^models\// },
  { name: /^undici$/, only: /^(models|outgoing)\// },
  { name: /^ipaddr\.js$/, only: /^outgoing\/|^addresses\.ts$/ },
  { name: /^@modelcontextprotocol\//, only: /^tools\/mcp\// },
  { name: /^quickjs-wasi/, only: /^sandbox\// },
  { name: /^liquidjs$/, only: /^templates\// },
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

/** Beside `src`: what runs where a server is asked, which knows it by HTTP alone. */
const OUTSIDE: { folder: string; allowed: RegExp; why: string }[] = [
  { folder: 'client', allowed: /^\.\/[\w-]+\.ts$/, why: 'it runs in browsers, and depends on nothing' },
  {
    folder: 'cli',
    // What compares definitions is pure, and one comparison is better than two. `yaml` and `smol-toml` are for files of people.
    allowed: /^(node:|@agent-studio\/client$|yaml$|smol-toml$|\.{1,2}\/(?!.*src\/)|\.\.\/\.\.\/src\/(comparison\/|graph\/definition\.ts$))/,
    why: 'it asks the server over the client',
  },
]

describe('the rooms beside src', () => {
  it.each(OUTSIDE)('$folder imports what it may: $why', ({ folder, allowed }) => {
    const root = join(import.meta.dirname, '..', folder)
    const own = globSync('**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
    expect(own.length).toBeGreaterThan(0)
    const crossings = own.flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      const targets = [
        ...text.matchAll(/(?:^(?:import|export)[^']*? from |^import |\bimport\(|createRequire\(import\.meta\.url\)\()'([^']+)'/gm),
      ].map((match) => match[1]!)
      return targets.filter((target) => !allowed.test(target)).map((target) => `${folder}/${file} imports ${target}`)
    })
    expect(crossings).toEqual([])
  })

  it('are imported by nothing of src but the composition root, so that no server loads them', () => {
    const crossings = files
      .filter((file) => file !== 'main.ts')
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => /@agent-studio\/client|\.\.\/(cli|client)\//.test(target))
          .map(() => file),
      )
    expect(crossings).toEqual([])
  })
})

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

  it('let what runs in a process of the sandbox see nothing but itself, Node and the engine', () => {
    const inside = globSync('sandbox/inside/*.js', { cwd: src })
    expect(inside.length).toBeGreaterThan(0)
    const foreign = inside.flatMap((file) =>
      importsOf(file)
        .filter((target) => !/^(node:|\.\/[\w-]+\.js$|quickjs-wasi$)/.test(target))
        .map((target) => `${file} imports ${target}`),
    )
    expect(foreign).toEqual([])
  })
})
