import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, until } from '../test/support/api.ts'
import { finished, runCli, spawnCli } from '../test/support/cli.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../test/support/server.ts'

const folder = temporaryFolder()
let server: TestServer
beforeAll(async () => {
  server = await startServer(folder)
})
afterAll(async () => {
  await server.kill()
  removeFolder(folder)
})

interface Event {
  id: number
  type: string
  status?: string
  response?: string
  data?: string
  execution_id: string
}
const eventsOf = (stdout: string): Event[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)

/** Kills the server once the command has shown so much, and starts it again in its place. */
async function killedAfter(child: ReturnType<typeof spawnCli>, isEnough: (stdout: string) => boolean): Promise<void> {
  let stdout = ''
  child.stdout.on('data', (text: string) => (stdout += text))
  await until(async () => isEnough(stdout), 'the first events')
  await server.kill()
  server = await startServer(folder, { PORT: new URL(server.url).port })
}

describe('a server that is killed in the middle', () => {
  it('of a run is waited for, and the stream goes on without a gap or a repeat', async () => {
    const child = spawnCli(['run', 'hello', 'Please take 3 seconds.', '--jsonl'], { folder, url: server.url })
    const ended = finished(child)
    await killedAfter(child, (stdout) => stdout.includes('"id":4,') || stdout.split('\n').length > 5)
    const { code, stdout } = await ended
    expect(code).toBe(0)
    const events = eventsOf(stdout)
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
    expect(events.at(-1)).toMatchObject({ type: 'status', status: 'completed' })
  })

  it('of a run that prints text says what became void, and ends with the answer', async () => {
    const child = spawnCli(['run', 'hello', 'Please take 3 seconds.', '--stream'], { folder, url: server.url })
    const ended = finished(child)
    await killedAfter(child, (stdout) => stdout.length > 10)
    const { code, stdout, stderr } = await ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/Coming back in/)
    expect(stderr).toMatch(/characters are void/)
    expect(stdout.trimEnd()).toMatch(/My instructions begin: You welcome people to Agent Studio\.$/)
  })

  it('of a tail is waited for, and the stream goes on without a gap or a repeat', async () => {
    const { body } = await call(server.url, 'POST', '/api/workflows/execute/async', {
      deployment_name: 'hello',
      query: 'Please take 3 seconds.',
    })
    const child = spawnCli(['tail', body.execution_id, '--jsonl'], { folder, url: server.url })
    const ended = finished(child)
    await killedAfter(child, (stdout) => stdout.split('\n').length > 5)
    const { code, stdout } = await ended
    expect(code).toBe(0)
    const events = eventsOf(stdout)
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
    const later = await runCli(['tail', body.execution_id, '--after', '3', '--jsonl'], { folder, url: server.url })
    expect(eventsOf(later.stdout)).toEqual(events.slice(3))
  })
})
