import type { LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openGate } from '../../test/support/gate.ts'
import { TestEngine } from '../../test/support/engine.ts'
import { posts } from '../../test/support/posts.ts'
import { noSettings } from '../../test/support/secrets.ts'
import { fresh } from '../../test/support/studio.ts'
import { guardRoutes } from '../access/hooks.ts'
import { registerAgentRoutes } from '../agents/routes.ts'
import { tellOrigins } from '../audit/request-origin.ts'
import { registerLifeCycleRoutes } from '../deployments/life-cycle-routes.ts'
import { registerReleaseRoutes } from '../deployments/release-routes.ts'
import { registerRerunRoutes } from '../deployments/rerun-routes.ts'
import { registerDeploymentRoutes } from '../deployments/routes.ts'
import { registerStopRoutes } from '../deployments/stop-routes.ts'
import { registerDraftRoutes } from '../drafts/routes.ts'
import { registerDecisionRoutes } from '../executions/decision-routes.ts'
import { registerExecutionRoutes } from '../executions/routes.ts'
import { ModelRefused } from '../errors.ts'
import { createApp, type App } from '../http/app.ts'
import { ModelCallError } from '../models/model-call-error.ts'
import type { Claim } from '../store/claim.ts'
import type { Store } from '../store/store.ts'
import { registerWorkflowRoutes } from '../workflows/routes.ts'
import { honourIdempotencyKeys } from './hooks.ts'

/** All routes over a store that can lose answers, as a process does that dies between the commit and the answer. */

let engine: TestEngine
let app: App
let losesAnswers = false
let changes: { command: string; claim: Claim | undefined }[] = []
let now: number

beforeAll(async () => {
  engine = await TestEngine.start()
  engine.models.replies = [
    (request) => {
      const asked = JSON.stringify(request.messages)
      if (asked.includes('fail for good'))
        throw new ModelCallError(new ModelRefused({ model: 'fake/model', reason: 'as asked' }), { retryable: false })
      return asked.includes('take 600 seconds') ? new Promise(() => {}) : { text: 'yes' }
    },
  ]
  const store: Store = {
    read: engine.store.read,
    write: (command, args, origin) => {
      const isAnswer = command.name === 'idempotency.answer'
      if (isAnswer && losesAnswers) return Promise.reject(new Error('lost'))
      if (!isAnswer) changes.push({ command: command.name, claim: origin?.claim })
      return engine.store.write(command, args, origin)
    },
  }
  const { journal, dispatcher, hub, models } = engine
  const clock = { now: () => now, id: engine.clock.id }
  const studio = { ...noSettings, store, journal, dispatcher, hub, models, clock, environments: ['production'], purge: () => {} }
  app = await createApp({
    logger: pino({ level: 'silent' }),
    allowedHosts: [],
    version: '1.2.3',
    guard: (unguarded) => guardRoutes(unguarded, openGate),
  })
  honourIdempotencyKeys(app, studio)
  tellOrigins(app)
  registerWorkflowRoutes(app, studio)
  registerDeploymentRoutes(app, studio)
  registerLifeCycleRoutes(app, studio)
  registerReleaseRoutes(app, studio)
  registerRerunRoutes(app, studio)
  registerStopRoutes(app, studio, { note: () => undefined })
  registerDraftRoutes(app, studio)
  registerExecutionRoutes(app, studio)
  registerDecisionRoutes(app, studio)
  registerAgentRoutes(app, studio)
})
afterAll(async () => {
  await app.close()
  await engine.close()
})
beforeEach(() => {
  losesAnswers = false
  now = Date.now()
})

const inject = (method: string, path: string, body?: object, key?: string): Promise<LightMyRequestResponse> =>
  app.inject({
    method: method as 'POST',
    url: path,
    headers: { host: 'localhost', ...(key && { 'idempotency-key': key }) },
    ...(body && { payload: body }),
  })
const call = async (method: string, path: string, body?: object) => {
  const { statusCode, payload } = await inject(method, path, body)
  return { status: statusCode, body: payload.startsWith('{') || payload.startsWith('[') ? JSON.parse(payload) : payload }
}

describe('a POST whose answer was lost after its change was made', () => {
  it.each(Object.keys(posts))('%s: is answered when it is repeated, and changes nothing again', async (route) => {
    const { path, body, effects } = await posts[route]!(call)
    const key = fresh('key')
    changes = []
    losesAnswers = true
    const first = await inject('POST', path, body, key)
    expect(first.statusCode).toBeLessThan(300)
    losesAnswers = false
    expect((await effects?.()) ?? 1).toBe(1)
    expect(changes.filter(({ claim }) => claim?.key !== key)).toEqual([])

    now += 1_000
    const again = await inject('POST', path, body, key)
    expect([again.statusCode, again.headers['content-type'], again.headers.location]).toEqual([
      first.statusCode,
      first.headers['content-type'],
      first.headers.location,
    ])
    // What a resumed execution is at comes from itself.
    if (!route.endsWith('/resume')) expect(again.body).toBe(first.body)
    expect((await effects?.()) ?? 1).toBe(1)
  })
})

describe('what was changed since, before the lost answer was asked for again,', () => {
  const lost = async (path: string, body: object, key: string) => {
    losesAnswers = true
    const first = await inject('POST', path, body, key)
    losesAnswers = false
    expect(first.statusCode).toBe(200)
    return first.body
  }

  it('makes no difference to a deploy', async () => {
    const { path, body, effects } = await posts['/api/workflows/{workflow_id}/deploy']!(call)
    const key = fresh('key')
    const first = await lost(path, body, key)
    await call('PUT', path.replace('/deploy', ''), { configuration: { agents: [] } })
    expect((await inject('POST', path, body, key)).body).toBe(first)
    expect(await effects!()).toBe(1)
  })

  it('makes no difference to an agent that was added', async () => {
    const { path, body, effects } = await posts['/api/workflows/{workflow_id}/agents']!(call)
    const key = fresh('key')
    const first = await lost(path, body, key)
    await call('DELETE', `/api/agents/${JSON.parse(first).agent_id}`)
    await call('PUT', path.replace('/agents', ''), { is_editable: false })
    expect((await inject('POST', path, body, key)).body).toBe(first)
    expect(await effects!()).toBe(1)
  })
})

describe('a key', () => {
  const make = (name: string) => ({ name, configuration: {} })
  const outline = ({ statusCode, headers }: LightMyRequestResponse) => [statusCode, headers['idempotent-replayed']]

  it('is kept for 24 hours, and then belongs to a new request', async () => {
    const [key, name] = [fresh('key'), fresh('kept')]
    expect(outline(await inject('POST', '/api/workflows', make(name), key))).toEqual([200, undefined])
    now += 24 * 3_600_000 - 1
    expect(outline(await inject('POST', '/api/workflows', make(name), key))).toEqual([200, 'true'])
    now += 1
    // No answer from the first time, but the conflict that a request without a key would get as well.
    expect(outline(await inject('POST', '/api/workflows', make(name), key))).toEqual([409, undefined])
    const other = fresh('kept')
    expect(outline(await inject('POST', '/api/workflows', make(other), key))).toEqual([200, undefined])
    expect(outline(await inject('POST', '/api/workflows', make(other), key))).toEqual([200, 'true'])
  })

  it('that is kept no longer starts a new execution', async () => {
    const { path, body, effects } = await posts['/api/workflows/execute']!(call)
    const key = fresh('key')
    await inject('POST', path, body, key)
    now += 24 * 3_600_000
    expect(outline(await inject('POST', path, body, key))).toEqual([200, undefined])
    expect(await effects!()).toBe(2)
    expect(outline(await inject('POST', path, body, key))).toEqual([200, 'true'])
  })

  it('makes its request wait for the first one, and then brings its answer', async () => {
    const { path, body } = await posts['/api/workflows/{workflow_id}/deploy']!(call)
    const key = fresh('key')
    const answers = await Promise.all(Array.from({ length: 5 }, () => inject('POST', path, body, key)))
    expect(answers.map(({ headers }) => headers['idempotent-replayed'])).toEqual([undefined, 'true', 'true', 'true', 'true'])
    expect(new Set(answers.map((one) => one.body)).size).toBe(1)
  })

  it('is looked up by nothing but its header: a POST without it reads and writes no key', async () => {
    const { path, body } = await posts['/api/workflows/execute']!(call)
    const keys = () => engine.store.read.selectFrom('idempotency_keys').selectAll().execute()
    const before = await keys()
    await inject('POST', path, body)
    expect(await keys()).toEqual(before)
  })
})
