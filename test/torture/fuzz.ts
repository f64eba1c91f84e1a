import { errorCatalogue } from '../../src/errors.ts'
import { write } from '../../bench/load/load.ts'
import { call, type Answer } from '../support/api.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../support/server.ts'
import { HonestClients, type HonestResult } from './honest-clients.ts'
import { sensible } from './fuzz/configurations.ts'
import { faultOf } from './fuzz/judge.ts'
import { Names } from './fuzz/names.ts'
import { operationsOf } from './fuzz/operations.ts'
import { rawBytes } from './fuzz/raw-bytes.ts'
import { Requests } from './fuzz/requests.ts'
import { Values } from './fuzz/values.ts'
import { Wire, type Outcome } from './fuzz/wire.ts'
import { Random } from './random.ts'
import { RssWatch } from './rss-watch.ts'

export interface FuzzOptions {
  seed: number
  requests: number
  env?: Record<string, string>
}

export interface FuzzResult {
  torture: 'fuzz'
  seed: number
  requests: number
  /** How often each status came; `closed`, `reset` and `late` where there was no answer. */
  outcomes: Record<string, number>
  /** Operations of the API that were answered with 2xx at least once, and how many there are. */
  succeeded: number
  operations: number
  /** Of clients beside it, milliseconds. */
  honest: HonestResult
  /** Of the server, in MB, at its highest. */
  rssPeak: number
  broken: string[]
  seconds: number
}

const CONNECTIONS = 32
/** An execution may take its time, and a stream as well. Milliseconds. */
const EXECUTE_PATIENCE_MS = 1_500
/** All else must be answered by then, be it by the end of the connection. */
const PATIENCE_MS = 20_000
const MOST_BROKEN = 20

/**
 * Sends what the API's description allows, nearly allows and does not allow, and bytes that are hardly HTTP. Nothing of it may
 * get a 500, or anything that is no proper answer, or make others wait.
 */
export async function tortureByFuzzing({ seed, requests: total, env = {} }: FuzzOptions): Promise<FuzzResult> {
  const began = performance.now()
  const folder = temporaryFolder()
  const server = await startServer(folder, { LOG_LEVEL: 'error', AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(folder), ...env })
  const honest = new HonestClients()
  try {
    const room = await prepare(server, seed)
    const rss = new RssWatch(server.process.pid!)
    const beside = await honest.during(
      { port: room.port, requests: room.honestRequests, clients: 2, pauseMs: 20, reconnects: true },
      sendAll(room, total),
    )
    const broken = [...room.broken, ...faultsOf(server, beside)]
    const seconds = Math.round((performance.now() - began) / 100) / 10
    const { outcomes, succeeded, operations } = room
    return {
      torture: 'fuzz',
      seed,
      requests: total,
      outcomes,
      succeeded: succeeded.size,
      operations,
      honest: beside,
      rssPeak: rss.stop(),
      broken,
      seconds,
    }
  } finally {
    honest.stop()
    await server.kill()
    removeFolder(folder)
  }
}

interface Room {
  port: number
  random: Random
  names: Names
  requests: Requests
  codes: ReadonlySet<string>
  honestRequests: string[]
  outcomes: Record<string, number>
  succeeded: Set<string>
  operations: number
  broken: string[]
}

/** A deployment and a key that nothing is done to: what else there is may be changed and deleted. */
async function prepare({ url }: TestServer, seed: number): Promise<Room> {
  const port = Number(new URL(url).port)
  const configuration = { agents: [{ agent_id: 'echo', config: { model: 'demo/echo' } }] }
  const { workflow_id } = (await call(url, 'POST', '/api/workflows', { name: 'of honest clients', configuration })).body
  const deployment_name = 'of-honest-clients'
  const deployed = await call(url, 'POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name, environment: 'development' })
  const operations = operationsOf((await call(url, 'GET', '/openapi.json')).body)
  // From here on nothing goes without a key.
  const { key, key_id } = (await call(url, 'POST', '/api/keys', { name: 'of everybody', scopes: ['admin'] })).body
  const random = new Random(seed)
  const names = new Names(random, [deployment_name, deployed.body.deployment_id, workflow_id, key_id])
  for (const environment of ['development', 'production']) names.learn({ environment })
  await makeVictims(url, key, names)
  const values = new Values(random, names)
  const withKey = (request: string): string => request.replace('\r\n', `\r\nAuthorization: Bearer ${key}\r\n`)
  return {
    port,
    random,
    names,
    requests: new Requests({ random, values, names, operations, key }),
    codes: new Set(errorCatalogue().map(({ code }) => code)),
    honestRequests: [
      write(port, { path: '/hc' }),
      withKey(write(port, { path: '/api/workflows/execute', body: { deployment_name, query: 'How are you?' } })),
      withKey(write(port, { path: `/api/workflows/deployments/${deployment_name}` })),
    ],
    outcomes: {},
    succeeded: new Set(),
    operations: operations.length,
    broken: [],
  }
}

/** What requests can find from the beginning: deployments, executions that have ended, and some that wait. */
async function makeVictims(url: string, key: string, names: Names): Promise<void> {
  const post = async (path: string, body: object): Promise<Answer['body']> => {
    const answer = await call(url, 'POST', path, body, { authorization: `Bearer ${key}` })
    names.learn(answer.body)
    return answer.body
  }
  for (const [index, configuration] of sensible.entries()) {
    const { workflow_id } = await post('/api/workflows', { name: `victim ${index}`, configuration })
    await post(`/api/workflows/${workflow_id}/deploy`, { deployment_name: `victim-${index}`, environment: 'development' })
    await post('/api/workflows/execute/async', { deployment_name: `victim-${index}`, query: 'x' })
  }
}

async function sendAll(room: Room, total: number): Promise<void> {
  let left = total
  const sender = async (): Promise<void> => {
    const wire = new Wire(room.port)
    while (left > 0 && room.broken.length < MOST_BROKEN) {
      left--
      if (room.random.next() < 0.15) await sendRaw(room, wire)
      else await sendRequest(room, wire)
    }
    wire.close()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, sender))
}

async function sendRaw(room: Room, wire: Wire): Promise<void> {
  const bytes = rawBytes(room.random)
  wire.close()
  const outcome = await wire.ask(bytes, 'GET', PATIENCE_MS, true)
  note(room, bytes, 'GET', outcome)
  if ('failure' in outcome && outcome.failure === 'late') breakOff(room, bytes, 'it is not answered')
  wire.close()
}

async function sendRequest(room: Room, wire: Wire): Promise<void> {
  const { bytes, method, operation, executes } = room.requests.next()
  const outcome = await wire.ask(bytes, method, executes ? EXECUTE_PATIENCE_MS : PATIENCE_MS)
  note(room, bytes, method, outcome)
  if ('failure' in outcome) {
    if (outcome.failure === 'late' && !executes) breakOff(room, bytes, 'it is not answered')
    return
  }
  if (outcome.status >= 300) return
  room.succeeded.add(operation)
  if (outcome.headers['content-type']?.startsWith('application/json') && outcome.body !== '') {
    room.names.learn(JSON.parse(Buffer.from(outcome.body, 'latin1').toString()))
  }
}

function note(room: Room, bytes: Buffer, method: string, outcome: Outcome): void {
  const what = 'failure' in outcome ? outcome.failure : String(outcome.status)
  room.outcomes[what] = (room.outcomes[what] ?? 0) + 1
  const fault = faultOf(outcome, method, room.codes)
  if (fault !== undefined) breakOff(room, bytes, `${fault}: ${JSON.stringify(outcome)}`)
}

function breakOff({ broken }: Room, bytes: Buffer, what: string): void {
  broken.push(`${JSON.stringify(bytes.toString('latin1').slice(0, 2_000))}: ${what.slice(0, 1_000)}`)
}

/** What the server itself took for a fault, and what honest clients noticed. */
function faultsOf(server: TestServer, { failures }: HonestResult): string[] {
  const logged = server
    .output()
    .split('\n')
    .filter((line) => /"level":[56]0/.test(line))
  const hasEnded = server.process.exitCode !== null || server.process.signalCode !== null
  return [
    ...(hasEnded ? [`the server ended: ${server.output().slice(-2_000)}`] : []),
    ...logged.slice(0, MOST_BROKEN).map((line) => `logged as a fault: ${line.slice(0, 1_000)}`),
    // Who finds the server busy may come again.
    ...Object.entries(failures).flatMap(([what, count]) => (what === '503' ? [] : [`honest clients got ${what} ${count} times`])),
  ]
}
