import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { SCOPES, type Scope } from '../../src/access/caller.ts'
import { readConfig } from '../../src/config.ts'
import type { OpenApiDocument } from '../../src/http/openapi.ts'
import { startServer } from '../../src/server.ts'
import { misspelt } from '../support/api.ts'
import { approving, rows, type Admin, type Ask, type Place } from '../support/access-rows.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { useStudio } from '../support/studio.ts'

/** Every route × every scope × what is one's own and what is foreign, by its environment or by its name. */

/** Of a server that is started in this process. */
const registered = vi.hoisted(() => new Set<string>())
vi.mock(import('../../src/access/hooks.ts'), async (load) => {
  const hooks = await load()
  return {
    ...hooks,
    guardRoutes: (app, gate, limit) => {
      app.addHook('onRoute', ({ method, url }) => {
        for (const one of [method].flat()) if (one !== 'HEAD') registered.add(`${one} ${url}`)
      })
      hooks.guardRoutes(app, gate, limit)
    },
  }
})

const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const keyFile = join(folder, 'key')
writeFileSync(keyFile, randomBytes(32).toString('hex'), { mode: 0o600 })

const { development, production } = approving
const environments = ['development', 'production', development, production]
const studio = useStudio(() => ({
  AGENT_STUDIO_SECRET_KEY_FILE: keyFile,
  AGENT_STUDIO_ENVIRONMENTS: environments.join(),
  AGENT_STUDIO_PROTECTED_ENVIRONMENTS: `${development}:approval,${production}:approval`,
}))

const own: Place = { environment: 'development', prefix: 'own' }
const foreign = {
  environment: { environment: 'production', prefix: 'own' },
  name: { environment: 'development', prefix: 'foreign' },
} satisfies Record<string, Place>

let adminKey: string
/** Of each scope one, for what is `own`. */
const keysForOwn = new Map<Scope, string>()
/** … and for all names in its environment. */
const keysForAll = new Map<Scope, string>()

interface Asked {
  status: number
  text: string
  headers: Headers
}

async function ask(method: string, { path, body }: Ask, key?: string): Promise<Asked> {
  const response = await fetch(studio.url + path, {
    method,
    redirect: 'manual',
    headers: { ...(body && { 'content-type': 'application/json' }), ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

const admin: Admin = async (method, path, body, key = adminKey) => {
  const { status, text } = await ask(method, { path, ...(body && { body }) }, key)
  if (status >= 300) throw new Error(`${method} ${path} gave ${status}: ${text}`)
  return JSON.parse(text)
}

beforeAll(async () => {
  adminKey = (await studio.call('POST', '/api/keys', { name: 'admin', scopes: ['admin'] })).body.key
  for (const scope of SCOPES) {
    const body = { name: scope, scopes: [scope], environments: [own.environment, development], deployment_pattern: `${own.prefix}-*` }
    keysForOwn.set(scope, (await admin('POST', '/api/keys', body)).key)
    const { deployment_pattern: _, ...forAll } = body
    keysForAll.set(scope, (await admin('POST', '/api/keys', forAll)).key)
  }
})

const codeOf = ({ text }: Asked): unknown => JSON.parse(text).code

describe('the table', () => {
  it('has a row for each route that the server registers, and none for another', async () => {
    const config = readConfig({ PORT: '0', AGENT_STUDIO_DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'silent' })
    const server = await startServer(config, new Worker(new URL('../../bin/writer.js', import.meta.url)))
    await server.stop()
    expect([...registered].toSorted()).toEqual(Object.keys(rows).toSorted())
  })

  it('says of each operation what /openapi.json says', async () => {
    const { paths } = (await admin('GET', '/openapi.json')) as OpenApiDocument
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(item)) {
        const scope = rows[`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`]?.scope
        expect([method, path, security]).toEqual([method, path, scope === 'none' ? [] : [{ apiKey: scope === 'any' ? [] : [scope] }]])
      }
    }
  })
})

describe.each(Object.entries(rows))('%s', (route, row) => {
  const method = route.split(' ')[0]!
  const { scope: needed, status = 200, bound = [] } = row
  const keys = row.nameless ? keysForAll : keysForOwn
  const allowed = SCOPES.filter((scope) => needed === 'any' || needed === 'none' || scope === needed || scope === 'admin')
  const refused = SCOPES.filter((scope) => !allowed.includes(scope))

  it(needed === 'none' ? 'needs no key' : 'needs a key', async () => {
    const asked = await row.ask(admin, own)
    const without = await ask(method, asked)
    if (needed === 'none') return expect(without.status).toBe(status)
    const wrong = await ask(method, asked, misspelt(adminKey))
    expect([without.status, codeOf(without)]).toEqual([401, 'key_missing'])
    expect(without.headers.get('www-authenticate')).toMatch(/^Bearer realm="/)
    // From the eleventh wrong one on.
    expect(['401 key_invalid', '429 too_many_failed_keys']).toContain(`${wrong.status} ${String(codeOf(wrong))}`)
    // It was not done: whoever may do it can.
    expect((await ask(method, asked, adminKey)).status).toBe(status)
  })

  it(`is there for keys with the scope ${needed}, and says so to others`, async () => {
    const asked = await row.ask(admin, own)
    for (const scope of refused) {
      const answer = await ask(method, asked, keys.get(scope))
      expect([scope, answer.status, JSON.parse(answer.text)]).toMatchObject([scope, 403, { code: 'scope_missing', scope: needed }])
      expect(answer.headers.get('www-authenticate')).toContain(`error="insufficient_scope", scope="${needed}"`)
    }
    for (const scope of allowed) {
      const one = scope === allowed[0] ? asked : await row.ask(admin, own)
      const answer = await ask(method, one, keys.get(scope))
      expect([scope, answer.status, answer.status === status ? '' : answer.text]).toEqual([scope, status, ''])
      if (one.marker !== undefined) expect(answer.text).toContain(one.marker)
    }
  })

  it.each(bound)('answers for one that is foreign by its %s as for one that is not there', async (what) => {
    const place = foreign[what]
    const asked = await row.ask(admin, place)
    for (const scope of refused) {
      const answer = await ask(method, asked, keys.get(scope))
      expect([scope, answer.status, codeOf(answer)]).toEqual([scope, 403, 'scope_missing'])
    }
    for (const scope of allowed) {
      const answer = await ask(method, asked, keys.get(scope))
      if (row.missing) {
        const missing = row.missing(place)
        const expected = await ask(method, missing, keys.get(scope))
        expect(expected.status).toBeGreaterThanOrEqual(400)
        const told = (one: Asked, word: string | undefined): unknown => [one.status, one.text.replaceAll(word!, '…')]
        expect([scope, told(answer, asked.word)]).toEqual([scope, told(expected, missing.word)])
      } else {
        expect([scope, answer.status, answer.text.includes(asked.marker!)]).toEqual([scope, status, false])
      }
    }
    // Nothing has become of it.
    const after = await ask(method, asked, adminKey)
    expect([after.status, after.text.includes(asked.marker ?? '')]).toEqual([status, true])
  })
})
