import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../test/support/api.ts'
import { finished, runCli, spawnCli, type CliOptions } from '../test/support/cli.ts'
import { agents, echo, fresh, slow, useStudio } from '../test/support/studio.ts'
import { removeFolder, temporaryFolder } from '../test/support/server.ts'
import { EXIT } from './frame/exit.ts'

const studio = useStudio()
const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const cli = (args: readonly string[], options: Partial<CliOptions> = {}) => runCli(args, { folder, url: studio.url, ...options })

describe('the exit code', () => {
  it('are these numbers, and always will be', () => {
    expect(Object.values(EXIT)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 130])
  })

  it('0: it is done', async () => {
    const { code, stdout, stderr } = await cli(['list'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('hello')
  })

  it('1: the answer is no, because the run failed', async () => {
    const name = fresh('failing')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }), {
      environment: 'development',
      runtime_config: { max_retries: 0 },
    })
    const result = await cli(['run', name, 'please fail for good', '--json'])
    expect(result.code).toBe(1)
    // The data is there all the same.
    expect(result.json).toMatchObject({ status: 'failed', deployment_name: name })
    expect(result.error).toMatchObject({
      code: 'model_refused',
      executionId: expect.any(String),
      next: expect.stringContaining('exec get'),
    })
  })

  it('1: the answer is no, because the definition is not valid', async () => {
    const name = fresh('unfinished')
    await studio.workflow({ agents: [] }, { name })
    expect((await cli(['workflow', 'validate', name])).code).toBe(1)
    const refused = await cli(['deploy', name, '--env', 'development', '--json'])
    expect(refused.code).toBe(1)
    expect(refused.error).toMatchObject({ code: 'workflow_invalid', errors: expect.any(Array) })
  })

  it.each([
    [['lst'], /Did you mean 'agent-studio list'\?/],
    [['deploymnt', 'list'], /Did you mean 'agent-studio deployment list'\?/],
    [['list', '--enviroment', 'x'], /no option --enviroment/],
    [['list', '--statsu', 'active'], /Did you mean --status\?/],
    [['list', '--status', 'activ'], /Did you mean 'active'\?/],
    [['stop'], /'deployment stop' needs <name>/],
    [['stop', 'one', 'two'], /one argument too many/],
    [['run', 'hello'], /Say what to ask/],
    [['run', 'hello', 'x', '--timeout', 'soon'], /--timeout is a whole number/],
    [['run', 'hello', '--input', 'nonsense'], /not understood/],
    [['deploy', 'hello'], /--env <environment>/],
    [['list', '--url', 'localhost:8000'], /no address of a server/],
    [['list', '--env'], /--env needs a value/],
    [['list', '--json=yes'], /--json takes no value/],
    [['deployment'], /deployment list/],
  ])('2: %j is a wrong call, and it says how to mend it', async (args, said) => {
    const { code, stdout, stderr } = await cli(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(said)
  })

  it('2: input that the server refuses, with the place of each problem', async () => {
    const result = await cli(['deploy', 'hello', '--env', 'nowhere', '--name', 'not a name', '--json'])
    expect(result.code).toBe(2)
    expect(result.error).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/deployment_name' }] })
  })

  it('3: there is no such thing, and what was probably meant', async () => {
    const { code, stderr } = await cli(['deployment', 'get', 'helo'])
    expect(code).toBe(3)
    expect(stderr).toContain("Did you mean 'hello'?")
    expect((await cli(['workflow', 'get', 'helo'])).code).toBe(3)
    expect((await cli(['exec', 'get', '01a20aec-1787-7650-a221-1228222b69a4'])).code).toBe(3)
  })

  it('5: the name is taken', async () => {
    const name = fresh('taken')
    expect((await cli(['workflow', 'create', name])).code).toBe(0)
    const again = await cli(['workflow', 'create', name, '--json'])
    expect(again.code).toBe(5)
    expect(again.error).toMatchObject({ code: 'workflow_exists', next: expect.stringContaining('--replace') })
  })

  it('5: the name is in two environments, and nothing is guessed', async () => {
    const name = fresh('twice')
    const { workflow } = await studio.deployed(name, echo, { environment: 'development' })
    await studio.deploy(workflow.workflow_id, name, { environment: 'production' })
    const { code, stderr } = await cli(['stop', name])
    expect(code).toBe(5)
    expect(stderr).toContain('development and production')
    const all = await studio.call('GET', `/api/workflows/deployments?q=${name}`)
    expect(all.body.map((one: { status: string }) => one.status)).toEqual(['active', 'active'])
    expect((await cli(['stop', name, '--env', 'production'])).code).toBe(0)
  })

  it('6: somebody has to say yes, and nobody is there; nothing is changed', async () => {
    const name = fresh('kept')
    await studio.deployed(name, echo, { environment: 'development' })
    const asked = await cli(['deployment', 'delete', name, '--json'])
    expect(asked.code).toBe(6)
    expect(asked.error).toMatchObject({ code: 'confirmation_needed', next: expect.stringContaining('--yes') })
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).status).toBe(200)
    expect((await cli(['deployment', 'delete', name, '--yes'])).code).toBe(0)
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).status).toBe(404)
  })

  it('7: nobody answers', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const result = await cli(['whoami', '--json'], { url: `http://127.0.0.1:${port}` })
    expect(result.code).toBe(7)
    expect(result.json).toMatchObject({ check: { ok: false, code: 'server_unreachable' } })
  })

  it('7: somebody takes the question and never answers; a completion gives up at once and says nothing', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const env = { XDG_CACHE_HOME: join(folder, 'cache-of-silence') }
    const [who, completed] = await Promise.all([
      cli(['whoami', '--json'], { url }),
      cli(['completion', 'names', '--', 'run', ''], { url, env }),
    ])
    await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)))
    expect(who.code).toBe(7)
    expect(who.json).toMatchObject({ check: { ok: false, code: 'server_unreachable', message: expect.stringContaining('timeout') } })
    expect(completed).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  it('7: somebody answers who is not Agent Studio', async () => {
    const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const result = await cli(['deployment', 'list', '--json'], { url: `http://127.0.0.1:${port}` })
    await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)))
    expect(result.code).toBe(7)
    expect(result.error.code).toBe('answer_not_understood')
  })

  it('8: the wait is over, the execution goes on, and its id is printed', async () => {
    const name = fresh('long')
    await studio.deployed(name, slow, { environment: 'development' })
    const result = await cli(['run', name, 'x', '--timeout', '1', '--json'])
    expect(result.code).toBe(8)
    expect(result.error).toMatchObject({
      code: 'timed_out',
      executionId: expect.any(String),
      next: expect.stringContaining('agent-studio tail'),
    })
    const { body } = await studio.call('GET', `/api/executions/${result.error.executionId}`)
    expect(body.status).toBe('running')
  })

  it('70: a fault of the server', async () => {
    const problem = { type: '', title: 'x', status: 500, detail: 'A fault.', code: 'internal_error' }
    const server = createServer((_, response) =>
      response.writeHead(500, { 'content-type': 'application/problem+json', 'x-request-id': 'r-7' }).end(JSON.stringify(problem)),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const result = await cli(['deployment', 'list', '--json'], { url: `http://127.0.0.1:${port}` })
    await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)))
    expect(result.code).toBe(70)
    expect(result.error).toEqual({ code: 'internal_error', message: 'A fault.', next: null, requestId: 'r-7' })
  })

  it('130: Ctrl-C leaves the wait, says how to return, and the execution goes on', async () => {
    const name = fresh('left')
    await studio.deployed(name, slow, { environment: 'development' })
    const child = spawnCli(['run', name, 'x'], { folder, url: studio.url })
    const ended = finished(child)
    let said = ''
    child.stderr.on('data', (text: string) => (said += text))
    await until(async () => said.includes('Execution '), 'the id of the execution')
    child.kill('SIGINT')
    const { code, stderr } = await ended
    expect(code).toBe(130)
    const [, id] = /To return: agent-studio tail (\S+)/.exec(stderr)!
    expect((await studio.call('GET', `/api/executions/${id}`)).body.status).toBe('running')
  })
})

describe('the exit code of somebody with a key', () => {
  const guardedFolder = temporaryFolder()
  const guarded = useStudio()
  let key: string
  beforeAll(async () => {
    const { body } = await guarded.call('POST', '/api/keys', { name: 'admin', scopes: ['admin'] })
    key = body.key
  })
  afterAll(() => removeFolder(guardedFolder))
  const as = (args: readonly string[], env: Record<string, string> = {}) => runCli(args, { folder: guardedFolder, url: guarded.url, env })

  it('4: no key, and where to put one', async () => {
    const result = await as(['list', '--json'])
    expect(result.code).toBe(4)
    expect(result.error).toMatchObject({ code: 'key_missing', next: expect.stringContaining('AGENT_STUDIO_API_KEY') })
  })

  it('4: a key that is not valid, or may not do it', async () => {
    expect((await as(['list'], { AGENT_STUDIO_API_KEY: key.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a')) })).code).toBe(4)
    const { body } = await guarded.call(
      'POST',
      '/api/keys',
      { name: 'reader', scopes: ['workflow:read'] },
      { authorization: `Bearer ${key}` },
    )
    const refused = await as(['workflow', 'create', 'x', '--json'], { AGENT_STUDIO_API_KEY: body.key })
    expect(refused.code).toBe(4)
    expect(refused.error.code).toBe('scope_missing')
  })

  it('4: keys in a file that others can read are not used', async () => {
    const config = join(guardedFolder, 'config')
    mkdirSync(config, { recursive: true })
    writeFileSync(join(config, 'config.toml'), `profile = "x"\n[profiles.x]\nurl = "${guarded.url}"\n`)
    writeFileSync(join(config, 'credentials.toml'), `[profiles.x]\napi_key = "${key}"\n`, { mode: 0o644 })
    const refused = await as(['list', '--json'])
    expect(refused.code).toBe(4)
    expect(refused.error).toMatchObject({ code: 'credentials_open', next: expect.stringContaining('chmod 600') })
  })

  it('0: with the key', async () => {
    expect((await as(['list'], { AGENT_STUDIO_API_KEY: key, AGENT_STUDIO_CONFIG_DIR: join(guardedFolder, 'none') })).code).toBe(0)
  })
})
