import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * What workflows reach, they reach through `src/outgoing`, where every address is checked. So nothing else may open a connection:
 * each module and each global that could is listed here, with the files that may use it and for what.
 */
const MODULES: Record<string, Record<string, string[]>> = {
  'node:net': {
    'outgoing/connect.ts': ['connect', 'isIP'],
    // The port that the server itself listens on.
    'server.ts': ['createServer', 'isIPv6'],
    // Whoever only looks at texts.
    '*': ['isIP', 'isIPv4', 'isIPv6'],
  },
  'node:tls': { 'outgoing/connect.ts': ['connect as secure'] },
  'node:dns': { 'outgoing/lookup.ts': ['lookup'] },
  // By name of the file below; see loadUndici. Model servers that the operator sets are reached by way of it as well.
  undici: {},
  'node:http': {},
  'node:https': {},
  'node:http2': {},
  'node:dgram': {},
  'node:dns/promises': {},
  'node:inspector': {},
  'node:quic': {},
  // Programs could do all of it.
  'node:child_process': { 'sandbox/sandbox-process.ts': ['spawn'] },
  'node:cluster': {},
}

/** Modules that are not named by an import statement. */
const UNUSUAL: Record<string, RegExp[]> = {
  'outgoing/undici.ts': [/import\(`undici\/lib\/dispatcher\/\$\{name\}\.js`\)/],
  'http/problem.ts': [/const \{ STATUS_CODES \} = process\.getBuiltinModule\('node:http'\)/],
  // In a process that has no network; see src/sandbox.
  'sandbox/inside/machine.js': [/await import\(workerData\.library\)/],
  'outgoing/content-decoder.ts': [/process\.getBuiltinModule\('node:zlib'\)/],
  'templates/liquid.ts': [/import \{ createRequire \} from 'node:module'/, /createRequire\(import\.meta\.url\)\('liquidjs'\)/],
}

/** Where `fetch` is the name of something that was given, or made, and never the global. The linter sees to that as well. */
const OWN_FETCH = /^(outgoing\/(outgoing|fetch)|models\/(anthropic|google|named-server|openai|provider|providers|transport))\.ts$/

const src = join(import.meta.dirname, '../src')
const files = globSync('**/*.{ts,js}', { cwd: src })
  .filter((file) => !/\.test\.ts$|^http\/test-app\.ts$|^engine\/conformance[./]/.test(file))
  .map((file) => [file, withoutComments(readFileSync(join(src, file), 'utf8'))] as const)

function withoutComments(source: string): string {
  return source.replace(/\/\*[^]*?\*\//g, '').replace(/(?<!:)\/\/.*$/gm, '')
}

/** Values that are imported or exported again: types open nothing. */
function importsOf(source: string): { module: string; names: string[] }[] {
  return [...source.matchAll(/^(?:import|export)\s+(?!type\b)(?:([^'"]*?)\s+from\s+)?['"]([^'"]+)['"]/gm)].map(
    ([, clause = '', module]) => {
      const listed = /^\{([^}]*)\}$/.exec(clause.trim())?.[1]
      const names = listed === undefined ? [clause || 'everything'] : listed.split(',').map((name) => name.trim())
      return { module: module!, names: names.filter((name) => name !== '' && !name.startsWith('type ')) }
    },
  )
}

function moduleOf(specifier: string): string {
  if (/^undici(\/|$)/.test(specifier)) return 'undici'
  return specifier.startsWith('node:') || !(`node:${specifier}` in MODULES) ? specifier : `node:${specifier}`
}

describe('the one way out', () => {
  it('is not gone around by a module that opens connections', () => {
    const found = files.flatMap(([file, source]) =>
      importsOf(source).flatMap(({ module, names }) => {
        const users = MODULES[moduleOf(module)]
        if (!users) return []
        const allowed = new Set([...(users[file] ?? []), ...(users['*'] ?? [])])
        return names.filter((name) => !allowed.has(name)).map((name) => `${file} imports ${name} of ${module}`)
      }),
    )
    expect(found).toEqual([])
  })

  it('is not gone around by a module that is loaded in an unusual way', () => {
    // What is imported later, but by its plain name, is found by name.
    const unusual = /import\((?!\s*'[^']+'\s*\))|\brequire\b|\bcreateRequire\b|getBuiltinModule|process\.binding|\bdlopen\b/g
    const later = /import\(\s*'([^']+)'\s*\)/g
    const found = files.flatMap(([file, source]) => {
      const rest = (UNUSUAL[file] ?? []).reduce((text, known) => text.replace(known, ''), source)
      const forbidden = [...rest.matchAll(later)].map(([, module]) => module!).filter((module) => moduleOf(module) in MODULES)
      return [...(rest.match(unusual) ?? []), ...forbidden].map((what) => `${file}: ${what}`)
    })
    expect(found).toEqual([])
  })

  it('is not gone around by what Node gives to everybody', () => {
    const globals =
      /\bnew (WebSocket|EventSource|WebSocketStream|XMLHttpRequest)\b|\bnavigator\b|\bglobalThis(\.|\[)(fetch|WebSocket|EventSource)/g
    const found = files.flatMap(([file, source]) => {
      const text = source.replaceAll('typeof globalThis.fetch', '')
      const fetches = OWN_FETCH.test(file) ? [] : (text.match(/(?<![.\w'"`/-])fetch\b(?!['"`:-])/g) ?? [])
      return [...(text.match(globals) ?? []), ...fetches].map((what) => `${file}: ${what}`)
    })
    expect(found).toEqual([])
  })

  it('is used by every file that is listed above', () => {
    const known = new Map(files)
    const listed = [...Object.values(MODULES).flatMap((users) => Object.keys(users)), ...Object.keys(UNUSUAL)].filter(
      (file) => file !== '*',
    )
    expect(listed.filter((file) => !known.has(file))).toEqual([])
    for (const [file, patterns] of Object.entries(UNUSUAL)) for (const pattern of patterns) expect(known.get(file)).toMatch(pattern)
  })

  it.each([
    ["import { request } from 'node:http'", 'request'],
    ["import { request } from 'http'", 'request'],
    ["import http, { type Server } from 'node:http'", 'http, { type Server }'],
    ["import * as net from 'node:net'", '* as net'],
    ["import 'undici'", 'everything'],
    ["export { fetch } from 'undici'", 'fetch'],
    ["import {\n  type Agent,\n  Pool,\n} from 'undici/lib/dispatcher/pool.js'", 'Pool'],
  ])('would be found missing: %j', (source, name) => {
    const [found] = importsOf(source)
    expect(MODULES[moduleOf(found!.module)]).toBeDefined()
    expect(found!.names).toEqual([name])
  })

  it('does not mind types', () => {
    expect(importsOf("import type { Server } from 'node:http'\nexport type { Agent } from 'undici'")).toEqual([])
  })
})
