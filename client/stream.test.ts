import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { removeFolder, runCommand, startServer, temporaryFolder, type TestServer } from '../test/support/server.ts'
import { AgentStudio, AnswerText, isLast, ServerUnreachable, type StudioEvent } from './index.ts'

const folder = temporaryFolder()
let server: TestServer
let studio: AgentStudio

beforeAll(async () => {
  server = await startServer(folder)
  studio = new AgentStudio({ url: server.url })
  const configuration = { agents: [{ agent_id: 'a', config: { model: 'demo/assistant' } }] }
  const { workflow_id } = await studio.call('createWorkflow', { body: { name: 'Talker', configuration } })
  await studio.call('deployWorkflow', { path: { workflow_id }, body: { deployment_name: 'talker', environment: 'development' } })
})
afterAll(async () => {
  await server.kill()
  removeFolder(folder)
})

/** At the same place, with the same data. */
async function restart(): Promise<void> {
  await server.kill()
  server = await startServer(folder, { PORT: new URL(server.url).port })
}

const long = { body: { deployment_name: 'talker', query: 'Please take 3 seconds.' } }

function expectWhole(events: readonly StudioEvent[]): void {
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
  expect(isLast(events.at(-1)!)).toBe(true)
  const text = new AnswerText()
  for (const event of events) text.add(event)
  expect(events.at(-1)).toMatchObject({ status: 'completed', response: text.text })
}

describe('a stream', () => {
  it('gives each event once and in order, though the server is killed in its middle', async () => {
    const retries: Error[] = []
    const events: StudioEvent[] = []
    for await (const event of studio.stream('executeStream', long, { onRetry: ({ reason }) => retries.push(reason) })) {
      events.push(event)
      if (events.length === 4) await restart()
    }
    expect(retries.length).toBeGreaterThan(0)
    expectWhole(events)
  })

  it('is followed from the first event, or after one, also when it has ended', async () => {
    const { execution_id } = await studio.call('executeAsync', long)
    const events = await Array.fromAsync(studio.follow(execution_id))
    expectWhole(events)
    const again = await Array.fromAsync(studio.follow(execution_id, { after: 3 }))
    expect(again).toEqual(events.slice(3))
    expect(await Array.fromAsync(studio.follow(execution_id, { after: events.length }))).toEqual([])
  })

  it('is left by whoever stops reading, and the execution goes on', async () => {
    let id: string | undefined
    for await (const event of studio.stream('executeStream', long)) {
      id = event.execution_id
      if (event.id === 3) break
    }
    expectWhole(await Array.fromAsync(studio.follow(id!)))
  })

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController()
    const reading = (async () => {
      for await (const event of studio.stream('executeStream', long, { signal: controller.signal }))
        if (event.id === 3) controller.abort(new Error('enough'))
    })()
    await expect(reading).rejects.toThrow('enough')
  })

  it('that cannot be taken up again within its patience says that nobody answers', async () => {
    const { url, close } = await cut((response) => {
      response.write(`id: 1\ndata: {"type":"status","status":"started","execution_id":"e"}\n\n`)
      setTimeout(() => response.destroy())
    })
    const other = new AgentStudio({ url })
    const reading = Array.fromAsync(other.follow('e', { patience: 1 }))
    await close()
    await expect(reading).rejects.toBeInstanceOf(ServerUnreachable)
  })
})

/** A server that answers every request with a stream of its own making. */
async function cut(answer: (response: import('node:http').ServerResponse) => void) {
  const other: Server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    answer(response)
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  return { url, close: () => new Promise<void>((resolve) => (other.closeAllConnections(), other.close(() => resolve()))) }
}

describe('a stream of a key that may execute and not look at executions', () => {
  it('is taken up again by the request that began it', async () => {
    const own = temporaryFolder()
    const { stdout } = await runCommand(own, ['key', 'create', '--scopes', 'execute'])
    let guarded = await startServer(own)
    const events: StudioEvent[] = []
    const caller = new AgentStudio({ url: guarded.url, apiKey: stdout.trim() })
    for await (const event of caller.stream('executeStream', { body: { deployment_name: 'hello', query: 'Please take 3 seconds.' } })) {
      events.push(event)
      if (events.length !== 4) continue
      await guarded.kill()
      guarded = await startServer(own, { PORT: new URL(guarded.url).port })
    }
    await guarded.kill()
    removeFolder(own)
    expectWhole(events)
  })
})
