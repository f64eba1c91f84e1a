import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { runCli } from '../test/support/cli.ts'
import { agents, echo, fresh, useStudio } from '../test/support/studio.ts'
import { removeFolder, temporaryFolder } from '../test/support/server.ts'

const folder = temporaryFolder()
const studio = useStudio()
afterAll(() => removeFolder(folder))
const cli = (args: readonly string[]) => runCli(args, { folder, url: studio.url })

/** Two releases of one name, of which the second has another prompt. */
async function twoReleases(prefix: string): Promise<string> {
  const name = fresh(prefix)
  const { workflow } = await studio.deployed(name, echo, { environment: 'development' })
  const configuration = agents({ agent_id: 'echo', config: { model: 'demo/echo', system_prompt: 'Another prompt.' } })
  await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration })
  await studio.deploy(workflow.workflow_id, name, { environment: 'development' })
  return name
}

describe('releases', () => {
  it('are listed and compared; 1 says that they differ, 0 that they do not', async () => {
    const name = await twoReleases('compared')
    expect((await cli(['release', 'list', name, '-o', 'name'])).stdout).toBe('2\n1\n')
    const differ = await cli(['release', 'diff', name])
    expect(differ.code).toBe(1)
    expect(differ.stdout).toContain('~ agent echo')
    expect(differ.stdout).toContain('Another prompt.')
    expect((await cli(['release', 'diff', name, '2', '2'])).code).toBe(0)
    expect((await cli(['release', 'diff', name, '--draft', '--json'])).json).toMatchObject({ identical: true })
    expect((await cli(['release', 'get', name, '1', '--json'])).json).toMatchObject({ number: 1, live: false })
    expect((await cli(['release', 'get', name, '9'])).code).toBe(3)
    expect((await cli(['release', 'get', name, 'x'])).code).toBe(2)
  })

  it('share the traffic, and get it back', async () => {
    const name = await twoReleases('shared')
    const set = await cli(['traffic', 'set', name, '1=75,2=25:candidate', '--max-errors', '5', '--back-to', '1', '--json'])
    expect(set.json).toMatchObject({
      live: 1,
      routes: [
        { release: 1, percent: 75 },
        { release: 2, percent: 25, tag: 'candidate' },
      ],
      guard: { max_error_rate: 0.05 },
    })
    expect((await cli(['run', name, 'x', '--tag', 'candidate', '--json'])).json).toMatchObject({ release: 2 })
    for (const wrong of ['1=75', '1=75,2=x', '1=75,9=25']) expect((await cli(['traffic', 'set', name, wrong])).code, wrong).toBe(2)
    expect((await cli(['traffic', 'get', name, '--json'])).json).toMatchObject({ routes: [{ percent: 75 }, { percent: 25 }] })
    expect((await cli(['traffic', 'abort', name])).stdout).toContain('goes to release 1')
    expect((await cli(['traffic', 'changes', name, '--json'])).json).toMatchObject([
      { kind: 'traffic', reason: 'aborted' },
      { kind: 'traffic' },
      {},
      {},
    ])
  })
})

describe('a rollback', () => {
  it('lets an earlier release serve, and holds what is automated until it is resumed', async () => {
    const name = await twoReleases('rolled')
    const back = await cli(['rollback', name, '--to', '1', '--reason', 'Too long'])
    expect(back.code, back.stderr).toBe(0)
    expect(back.stdout).toContain(`${name} in development serves release 1 again.`)
    const again = await cli(['rollback', name, '--to', '1'])
    expect(again.code).toBe(5)
    const { workflow } = (await cli(['deployment', 'get', name, '--json'])).json as { workflow: { name: string; version: string } }
    const deploy = ['deploy', `${workflow.name}@${workflow.version}`, '--env', 'development', '--name', name, '--automated', '--force']
    const held = await cli([...deploy, '--json'])
    expect(held.code).toBe(5)
    expect(held.error.code).toBe('deploys_held')
    expect((await cli(['deployment', 'resume-deploys', name])).code).toBe(0)
    expect((await cli(deploy)).code).toBe(0)
  })
})

describe('what a bad release did', () => {
  it('is run again on what serves, or cancelled, once somebody says yes', async () => {
    const name = await twoReleases('redone')
    await studio.execute({ deployment_name: name, query: 'Rain' })
    const back = await cli(['rollback', name, '--to', '1'])
    expect(back.stdout).toContain('Release 2 had 0 failed, 1 completed and 0 unfinished executions')
    const choice = ['exec', 'rerun', name, '--release', '2', '--status', 'completed', '--json']
    expect((await cli(choice)).code).toBe(6)
    expect((await cli([...choice, '--yes'])).json).toMatchObject({ rerun: 1, remaining: 0, executions: [{ rerun_id: expect.any(String) }] })
    expect((await cli(['exec', 'rerun', name, '--release', '2', '--status', 'running', '--yes'])).code).toBe(2)
    expect((await cli(['exec', 'rerun', name, '--yes'])).code).toBe(2)
    expect((await cli(['exec', 'cancel-all', name, '--yes', '--json'])).json).toMatchObject({ remaining: 0 })
  })
})

describe('what is in flight', () => {
  it('is cancelled up to now by the clock of the server, whatever this machine has', async () => {
    const asked: { to: string }[] = []
    const server = createServer((request, response) => {
      response.setHeader('date', 'Tue, 01 Jan 2030 00:00:00 GMT').setHeader('content-type', 'application/json')
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.on('end', () => {
        if (body !== '') asked.push(JSON.parse(body) as { to: string })
        response.end(JSON.stringify({ environment: 'development', cancelled: 0, remaining: 0, execution_ids: [] }))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { code, stderr } = await runCli(['exec', 'cancel-all', 'poet', '--env', 'development', '--yes'], { folder, url })
    await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)))
    expect(code, stderr).toBe(0)
    expect(asked).toMatchObject([{ to: '2030-01-01T00:00:01.000Z' }])
  })
})

describe('a promotion', () => {
  it('lets the same definition serve elsewhere, after it was shown', async () => {
    const name = await twoReleases('promoted')
    const shown = await cli(['promote', name, '--to', 'production', '--dry-run', '--json'])
    expect(shown.json).toMatchObject({ dry_run: true, valid: true })
    expect((await cli(['deployment', 'get', name, '--env', 'production'])).code).toBe(3)
    const done = await cli(['promote', name, '--from', 'development', '--to', 'production', '--note', 'Seen'])
    expect(done.code, done.stderr).toBe(0)
    expect(done.stdout).toContain(`Deployed ${name} in production: release 1`)
    expect((await cli(['release', 'diff', name, '--env', 'development', '--to-env', 'production', '--json'])).json).toMatchObject({
      identical: true,
    })
  })

  it('that lacks a secret is named, and changes nothing', async () => {
    const name = fresh('lacking')
    await studio.call('PUT', '/api/variables/development/ONLY_HERE', { value: 'x' })
    const configuration = agents({ agent_id: 'a', config: { model: 'demo/echo', system_prompt: '{{ variables.ONLY_HERE }}' } })
    await studio.deployed(name, configuration, { environment: 'development' })
    const refused = await cli(['promote', name, '--to', 'production', '--json'])
    expect(refused.code).toBe(1)
    expect(refused.error.message).toContain('ONLY_HERE')
    expect((await cli(['deployment', 'get', name, '--env', 'production'])).code).toBe(3)
  })
})
