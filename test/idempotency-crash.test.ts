import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, until } from './support/api.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { deployAgents } from './support/workflows.ts'

/** Requests with an `Idempotency-Key` under load, and a server that is killed in their midst. */

const folder = temporaryFolder()
let server: TestServer
let deployed: string
let workflow: string

beforeAll(async () => {
  server = await startServer(folder)
  deployed = await deployAgents(server, [{ agent_id: 'a', config: { model: 'demo/echo' } }])
  const configuration = { agents: [{ agent_id: 'a', config: { model: 'demo/echo' } }] }
  workflow = (await call(server.url, 'POST', '/api/workflows', { name: 'all of them', configuration })).body.workflow_id
})
afterAll(async () => {
  await server.kill()
  removeFolder(folder)
})

interface Sent {
  key: string
  path: string
  body: object
  /** What its client was answered before the server was killed. */
  answer?: string
}

const get = async (path: string) => (await call(server.url, 'GET', path)).body

/** What may be sent, and how often it happened. */
const kinds: { request(key: string): Omit<Sent, 'key'>; count(key: string): Promise<number> }[] = [
  ...['', '/async', '/stream'].map((how) => ({
    request: (key: string) => ({
      path: `/api/workflows/execute${how}`,
      body: { deployment_name: deployed, query: key, session_id: key },
    }),
    count: async (key: string) => (await get(`/api/executions?session_id=${key}`)).length,
  })),
  {
    request: (key) => ({ path: '/api/agents', body: { name: key, config: { model: 'demo/echo' } } }),
    // Done twice, it would have been refused.
    count: async (key) => ((await get(`/api/agents/name/${key}`)).name === key ? 1 : 0),
  },
  {
    request: (key) => ({ path: `/api/workflows/${workflow}/deploy`, body: { deployment_name: key, force: true } }),
    count: async (key) => (await get(`/api/workflows/deployments/${key}`)).release.number,
  },
]

const kindOf = (index: number) => kinds[index % kinds.length]!

async function send({ key, path, body }: Sent): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

/** As long as the server lives, from many clients. The last request of each is one that was not answered. */
async function load(prefix: string, clients: number, killAfter: number): Promise<Sent[]> {
  const sent: Sent[] = []
  let answered = 0
  let killed: Promise<void> | undefined
  const client = async (): Promise<void> => {
    while (!killed) {
      const key = `${prefix}-${sent.length}`
      const one: Sent = { key, ...kindOf(sent.length).request(key) }
      sent.push(one)
      const answer = await send(one).catch(() => undefined)
      if (!answer) return
      expect([one.path, answer.status, answer.text]).toEqual([one.path, expect.toSatisfy((status) => status < 300), answer.text])
      one.answer = answer.text
      if (++answered === killAfter) killed = server.kill()
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  await killed
  return sent
}

it.each([10, 80])('each happens once, and is answered once and for all: killed after %d answers', async (killAfter) => {
  const sent = await load(`kill${killAfter}`, 30, killAfter)
  server = await startServer(folder)
  const unanswered = sent.filter(({ answer }) => answer === undefined)
  expect(unanswered.length).toBeGreaterThan(0)
  const again = await Promise.all(
    sent.map((one) =>
      until(async () => {
        const answer = await send(one)
        // Those that were cut short are still running.
        return answer.status !== 409 && answer
      }, `the answer of ${one.key}`),
    ),
  )
  for (const [index, { path, key, answer }] of sent.entries()) {
    expect([path, again[index]!.status]).toEqual([path, expect.toSatisfy((status) => status < 300)])
    if (answer !== undefined) expect(again[index]!.text).toBe(answer)
    expect([path, await kindOf(index).count(key)]).toEqual([path, 1])
  }
})
