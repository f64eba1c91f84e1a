import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../test/support/api.ts'
import { Collector } from '../../test/support/collector.ts'
import { agents, TestEngine } from '../../test/support/engine.ts'
import { deceivingLookup, forbiddenUrls, redirecting } from '../../test/support/forbidden-urls.ts'
import { noSettings } from '../../test/support/secrets.ts'
import { AttemptFailed } from '../attempt-failed.ts'
import { ModelFailed } from '../errors.ts'
import { createOutgoing, type Outgoing } from '../outgoing/outgoing.ts'
import { SqliteConnection } from '../store/sqlite/connection.ts'
import { Courier } from './courier.ts'
import { tallyWebhooks, webhooksOf } from './repository.ts'

let engine: TestEngine
let other: SqliteConnection
let receiver: Collector
let courier: Courier | undefined
let attempts: string[]
beforeEach(async () => {
  engine = await TestEngine.start()
  other = new SqliteConnection(`${engine.folder}/data/agent-studio.db`)
  receiver = await Collector.start()
  attempts = []
})
afterEach(async () => {
  await courier?.stop()
  courier = undefined
  other.close()
  await engine.close()
  await receiver.stop()
})

const secrets = { ...noSettings.secrets, resolveAll: async () => ({ KEY: 'whsec_c2VjcmV0' }) }

function send(retries: readonly number[], outgoing: Pick<Outgoing, 'request'> = createOutgoing({ privateAddresses: ['127.0.0.1'] })): void {
  const onAttempt = (outcome: string): void => void attempts.push(outcome)
  const onFault = (error: unknown): void => void engine.faults.push(error)
  courier = new Courier({ store: engine.store, outgoing, secrets, clock: engine.clock, onAttempt, onFault, retries })
  courier.look()
}

let webhooks = 0
/** @returns the id of its execution */
function waiting(deployment_id: string, url: string, status = 'pending'): string {
  const id = `execution-${++webhooks}`
  other.raw
    .prepare(
      `insert into failure_webhooks (webhook_id, execution_id, deployment_id, environment, receiver, body, status, attempts, created_at, next_at)
       values (?, ?, ?, 'production', ?, '{}', ?, 0, 1, ?)`,
    )
    .run(`${id}-2`, id, deployment_id, JSON.stringify({ url, secret: '{{ secrets.KEY }}' }), status, status === 'pending' ? 1 : null)
  return id
}

const deploy = (name = 'd') => engine.deploy(name, agents({ id: 'a' }))
const of = async (id: string) => (await webhooksOf(engine.store.read, id))[0]!

it('tries as often as it may, always with the same id, and then gives up', async () => {
  receiver.replies = [{ status: 302, headers: { location: `${receiver.url}/elsewhere` } }, { status: 404 }, { status: 500 }]
  const id = waiting(await deploy(), receiver.url)
  send([0.01, 0.01])
  await until(async () => (await of(id)).status === 'given_up', 'the end')
  expect(await of(id)).toMatchObject({ attempts: 3, next_at: null, last_error: 'The receiver answered with 500.' })
  expect(receiver.received.map(({ url, headers }) => [url, headers['webhook-id']])).toEqual(
    Array.from({ length: 3 }, () => ['/', `${id}-2`]),
  )
  expect(attempts).toEqual(['failed', 'failed', 'given_up'])
})

it('leaves a receiver alone for as long as it asks for, and not for longer than a day', async () => {
  const [patient, endless] = [await deploy('patient'), await deploy('endless')]
  const begins = Date.now()
  receiver.replies = [{ status: 429, headers: { 'retry-after': '7200' } }]
  const first = waiting(patient, receiver.url)
  send([5])
  await until(async () => (await of(first)).attempts === 1, 'the first')
  receiver.replies = [{ status: 503, headers: { 'retry-after': '9999999' } }]
  const second = waiting(endless, receiver.url)
  courier!.look()
  await until(async () => (await of(second)).attempts === 1, 'the second')
  const hours = async (id: string): Promise<number> => Math.round(((await of(id)).next_at! - begins) / 3_600_000)
  expect([await hours(first), await hours(second)]).toEqual([2, 24])
})

it('sends those of one deployment one after the other, and of the others meanwhile', async () => {
  const silent = await Collector.start()
  silent.replies = [{ hangs: true }]
  const [slow, quick] = [await deploy('slow'), await deploy('quick')]
  for (let count = 0; count < 3; count++) waiting(slow, silent.url)
  const ids = Array.from({ length: 3 }, () => waiting(quick, receiver.url))
  send([5])
  for (const id of ids) await until(async () => (await of(id)).status === 'delivered', 'each delivery')
  expect(silent.received).toHaveLength(1)
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(ids.map((id) => `${id}-2`))
  await courier!.stop()
  await silent.stop()
})

it('passes no deployment over for others whose receivers fail all the time', async () => {
  const tried: string[] = []
  const failing = {
    request: async ({ url }: { url: string | URL }): Promise<never> => {
      tried.push(String(url))
      throw new AttemptFailed(new ModelFailed({ model: 'fake/model', reason: 'no' }), { retryable: true })
    },
  }
  const urls = Array.from({ length: 65 }, (_, number) => `https://d${number}.example.org/`)
  for (const url of urls) waiting(await deploy(url.slice(8, -1)), url)
  send(Array<number>(50).fill(0), failing)
  await until(async () => tried.length > 200, 'attempts')
  expect(tried.slice(0, 130).filter((url) => url === urls[64]).length).toBeGreaterThanOrEqual(1)
})

it('sends nothing of a deployment that is gone', async () => {
  const gone = waiting('no-deployment', receiver.url)
  const there = waiting(await deploy(), receiver.url)
  send([5])
  await until(async () => (await of(there)).status === 'delivered', 'the delivery')
  expect((await of(gone)).attempts).toBe(0)
})

it('keeps no more than a thousand that have ended', async () => {
  const deployment = await deploy()
  for (let count = 0; count < 1_000; count++) waiting(deployment, receiver.url, 'delivered')
  const id = waiting(deployment, receiver.url)
  send([5])
  await until(async () => (await of(id)).status === 'delivered', 'the delivery')
  expect(await tallyWebhooks(engine.store.read, deployment)).toMatchObject({ pending: 0, delivered: 1_000 })
})

it('reaches nothing that is not public, in whatever form its URL is written', async () => {
  const permitted = await redirecting()
  const outgoing = createOutgoing({ privateAddresses: [`127.0.0.1:${permitted.port}`], lookup: deceivingLookup('127.0.0.2') })
  const deployment = await deploy()
  const ids = forbiddenUrls(Number(new URL(receiver.url).port), permitted.url).map((url) => waiting(deployment, url))
  send([], outgoing)
  for (const id of ids) await until(async () => (await of(id)).status === 'given_up', 'the end', 60_000)
  expect(receiver.received).toEqual([])
  expect(engine.faults).toEqual([])
})

describe('of the webhooks of a deployment', () => {
  it('no more than a thousand wait; what comes beyond them is counted', async () => {
    other.raw.exec(
      `insert into secrets (environment, name, version, key_id, sealed, created_at, updated_at) values ('production', 'KEY', 1, 'k', x'00', 1, 1)`,
    )
    const on_failure = { url: receiver.url, secret: '{{ secrets.KEY }}' }
    const deployment = await engine.deploy('d', agents({ id: 'a' }), { on_failure, max_retries: 0 })
    for (let count = 0; count < 999; count++) waiting(deployment, receiver.url)
    engine.models.replies = [
      () => {
        throw new AttemptFailed(new ModelFailed({ model: 'fake/model', reason: 'no' }), { retryable: false })
      },
    ]
    for (let count = 0; count < 3; count++) await engine.run('d')
    expect(await tallyWebhooks(engine.store.read, deployment)).toEqual({ pending: 1_000, delivered: 0, given_up: 0, dropped: 2 })
  })
})
