import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { deserializeError, errorCatalogue, StudioError } from './errors.ts'
import * as errors from './errors.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/errors.md'), 'utf8')
const isCode = (text: string): boolean => /^[a-z]+(_[a-z]+)*$/.test(text)

describe('docs/errors.md', () => {
  // A heading of lower-case words joined by underscores is the section of a code; the tables at the end have titles in words.
  const sections = page
    .split(/^## /m)
    .slice(1)
    .map((text) => ({ title: text.split('\n', 1)[0]!.trim(), text }))
  const codes = sections.map(({ title }) => title).filter(isCode)

  it('has exactly one section for each code of the catalogue, and none for anything else', () => {
    expect(codes.toSorted()).toEqual(
      errorCatalogue()
        .map(({ code }) => code)
        .toSorted(),
    )
  })

  it.each(errorCatalogue())('says of $code its status, when it happens and what to do', ({ code, status, title }) => {
    const { text } = sections.find((section) => section.title === code)!
    expect(text).toContain(`\n**${status}** ${title}.\n`)
    expect(text).toMatch(/^- When: \S/m)
    expect(text).toMatch(/^- What to do: \S/m)
  })

  it('has in its tables every code of a problem, a warning and an attempt that the source uses, and no other', () => {
    const inTables = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code!)
    expect([...new Set(inTables)].toSorted()).toEqual(
      [...codesInSource()].filter((code) => !codes.includes(code) || inTables.includes(code)).toSorted(),
    )
  })
})

/**
 * Every code that the source gives to a problem, a warning or an attempt. A spelling that is not known here fails, so that
 * none is overlooked.
 */
function codesInSource(): Set<string> {
  const folder = import.meta.dirname
  const files = globSync('**/*.ts', { cwd: folder }).filter(
    (file) => !/(\.test|test-app|^errors|docs-style)\.ts$|^errors\/|\/conformance[./]/.test(file),
  )
  return new Set(files.flatMap((file) => codesIn(readFileSync(join(folder, file), 'utf8'), file)))
}

function codesIn(source: string, file: string): string[] {
  return [...codesOfMembers(source, file), ...codesOfCalls(source, file), ...codesOfKeywords(source)]
}

/** What is no code of ours: types, schemas, and the code of an error that came from elsewhere. */
const notOurs = /^(string\b|Type\.|\w+\.code\b|code \?\?|StepKind\b|\{|'')/

/** What stands after `code:`, where it is not a plain text. */
const computed: Record<string, string[]> = {
  "kind === 'secret' ? 'unknown_secret' : 'unknown_variable'": ['unknown_secret', 'unknown_variable'],
  '`unknown_${what}`': ['unknown_field', 'unknown_parameter'],
  "isChoice(broken) ? 'not_allowed' : (CODES[keyword] ?? 'invalid')": ['not_allowed', 'invalid'],
}

function codesOfMembers(source: string, file: string): string[] {
  return [...source.matchAll(/(?<![\w-])code: (.+)/g)].flatMap(([, rest]) => {
    const text = /^'([a-z_]+)'/.exec(rest!)?.[1]
    if (text) return [text]
    const known = Object.keys(computed).find((expression) => rest!.startsWith(expression))
    if (known) return computed[known]!
    if (notOurs.test(rest!)) return []
    throw new Error(`${file}: teach this test what codes 'code: ${rest}' can give`)
  })
}

/** Calls such as `findings.problem(pointer, 'cycle', …)`, but for those that pass a code on. */
function codesOfCalls(source: string, file: string): string[] {
  const calls = source.match(/(?<!logger)\.#?(?:problem|warn)\((?![^,]*, code,)/g) ?? []
  const codes = [...source.matchAll(/(?<!logger)\.#?(?:problem|warn)\(\s*[^,]*,\s*'([a-z_]+)'/g)].map(([, code]) => code!)
  if (codes.length < calls.length)
    throw new Error(`${file}: teach this test to find the codes of all ${calls.length} problems and warnings`)
  return codes
}

/** The table from the keywords of JSON Schema to codes. */
function codesOfKeywords(source: string): string[] {
  const table = /const CODES[^=]*= \{([^}]*)\}/.exec(source)?.[1] ?? ''
  return [...table.matchAll(/: '([a-z_]+)'/g)].map(([, code]) => code!)
}

describe('an error of the catalogue', () => {
  /** Every detail that any of them takes. */
  const details = {
    agent: 'helper',
    agent_id: '00000000-0000-4000-8000-000000000001',
    allowed: ['GET', 'HEAD'],
    characters: 1_000_000,
    coding: 'gzip',
    condition: 'input.name',
    answer_status: 503,
    by: 'ci',
    crashes: 4,
    deadline: 60,
    decision: 'approved',
    deployment_id: '00000000-0000-4000-8000-000000000004',
    deployment_pattern: 'support-*',
    deployments: [{ deployment_name: 'support', environment: 'production' }],
    environment: 'production',
    errors: [{ pointer: '/name', code: 'required', message: "'name' is missing." }],
    exceeded: 'time' as const,
    execution_id: '00000000-0000-4000-8000-000000000002',
    exists: true,
    field: 'expires_at',
    found: 'a text',
    from_releases: [5, 6],
    header: 'If-Match',
    host: 'example.org',
    id: 'as_0123456789ab',
    key: '8e03978e-40d5-43dd-bc93-6894a57f9324',
    key_id: '0123456789abcdef',
    last: 9,
    limit: 25,
    line: 3,
    live: 7,
    logs: ['so far'],
    made: 'the key',
    memory_bytes: 64 * 2 ** 20,
    method: 'PATCH',
    milliseconds: 10,
    model: 'openai/gpt-4o',
    most: '1,000',
    name: 'support',
    node_id: 'helper',
    origin: 'https://example.org',
    path: '/hc',
    phase: 'connection' as const,
    proposal_id: '00000000-0000-4000-8000-000000000005',
    provider_status: 401,
    queue: 100,
    reached: { policy: 'deployment', quota: 600, window: 60, remaining: 0, reset: 6 },
    reason: 'The key is wrong.',
    release: 7,
    routed: [1, 2],
    tag: 'canary',
    tags: ['stable'],
    received: "'text/plain'",
    retry_after: 6,
    scope: 'deploy',
    searched: ['development', 'production'],
    session_id: 'chat-1',
    seconds: 2,
    since: '2026-06-30T12:00:00.000Z',
    status: 'completed',
    step_id: 'helper#1',
    timeout: 60,
    to_release: 4,
    unfit: [{ release: 6, reason: 'was rolled back from' }],
    checklist: [],
    timeout_ms: 1_000,
    url: 'https://example.org/orders',
    variable: 'OPENAI_API_KEY',
    version: '1.0.0',
    what: "The output of step 'fetch'",
    why: 'no_key' as const,
    workflow_id: '00000000-0000-4000-8000-000000000003',
    used: 7,
    tool: 'search',
    server: 'https://mcp.example.org',
    tries: 3,
  }
  type AnyError = (new (given: typeof details) => StudioError) & { code: string }
  const exported: unknown[] = Object.values(errors)
  const classes = exported.filter((one): one is AnyError => typeof one === 'function' && 'code' in one)

  it('is exported, each of them', () => {
    expect(classes.map(({ code }) => code)).toEqual(expect.arrayContaining(errorCatalogue().map(({ code }) => code)))
  })

  it.each(classes.map((one) => [one.code, one] as const))(
    '%s keeps code, message and members across a thread or a row',
    (code, Defined) => {
      const error = new Defined(details)
      const back = deserializeError(JSON.parse(JSON.stringify(error.serialize())))
      expect(back).toBeInstanceOf(Defined)
      expect(back).toMatchObject({ code, status: error.status, title: error.title, message: error.message, members: error.members })
    },
  )

  it.each(classes.map((one) => [one.code, one] as const))('%s says something that a person can read', (_code, Defined) => {
    const { message } = new Defined(details)
    expect(message).toMatch(/^[A-Z'/].*\S$/s)
    expect(message).not.toMatch(/undefined|null|NaN|\[object|  /)
  })

  it('that nobody knows is a fault of ours', () => {
    expect(deserializeError({ code: 'of_tomorrow', details: {} })).toMatchObject({ code: 'internal_error', status: 500 })
  })

  it('shows no member that it was not given', () => {
    expect(new errors.InternalError({}).members).toEqual({})
    expect(new errors.ShuttingDown({}).members).toEqual({})
  })
})
