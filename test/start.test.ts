import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call } from './support/api.ts'
import { removeFolder, runCommand, startServer, temporaryFolder } from './support/server.ts'

const entry = join(import.meta.dirname, '../bin/agent-studio.js')

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => removeFolder(folder))

/** One clear line on stderr, exit code 1, no stack. */
async function refusal(env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await runCommand(folder, ['serve'], env)
  expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }, stderr).toEqual({ code: 1, stdout: '', lines: 1 })
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+/)
  return stderr
}

describe('a start is refused', () => {
  it('when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const port = String((other.address() as AddressInfo).port)
    expect(await refusal({ PORT: port })).toContain(`Port ${port} is taken`)
    other.close()
  })

  it('when the data folder cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '')
    expect(await refusal({ AGENT_STUDIO_DATA_DIR: join(folder, 'file') })).toContain('cannot be written')
    if (process.getuid?.() === 0) return // root may write everywhere
    mkdirSync(join(folder, 'locked'))
    chmodSync(join(folder, 'locked'), 0o500)
    expect(await refusal({ AGENT_STUDIO_DATA_DIR: join(folder, 'locked') })).toContain('cannot be written')
  })

  it('when the database is of a newer version', async () => {
    const data = join(folder, '.agent-studio')
    mkdirSync(data)
    const db = new DatabaseSync(join(data, 'agent-studio.db'))
    db.exec('pragma user_version = 99')
    db.close()
    expect(await refusal({})).toContain('newer Agent Studio')
  })

  it('when the database is none', async () => {
    const data = join(folder, '.agent-studio')
    mkdirSync(data)
    writeFileSync(join(data, 'agent-studio.db'), 'this is no database, but it is long enough to look like one '.repeat(50))
    expect(await refusal({})).toContain('cannot be opened')
  })

  it('when the .env file is none', async () => {
    mkdirSync(join(folder, '.env'))
    expect(await refusal({})).toMatch(/\.env cannot be read: .*[^.]\.\n$/)
  })

  it('when the database is that of another program', async () => {
    const data = join(folder, '.agent-studio')
    mkdirSync(data)
    const db = new DatabaseSync(join(data, 'agent-studio.db'))
    db.exec('create table x(a); pragma user_version = 1')
    db.close()
    expect(await refusal({})).toContain('a database of another program')
  })

  it('when the data folder cannot be made', async () => {
    expect(await refusal({ AGENT_STUDIO_DATA_DIR: '/proc/agent-studio/data' })).toContain('cannot be written')
  })

  it('when another server has the data folder', async () => {
    const first = await startServer(folder)
    expect(await refusal({})).toContain('in use by another Agent Studio')
    expect((await call(first.url, 'GET', '/hc')).status).toBe(200)
    await first.stop()
  })

  it.each([
    [{ HOST: '0.0.0.0' }, 'no API key'],
    [{ AGENT_STUDIO_TRUSTED_PROXIES: '127.0.0.1' }, 'no API key'],
    [{ AGENT_STUDIO_PRIVATE_ADDRESSES: '10.0.0.0/8, 127.1' }, "'127.1' is neither an address"],
    [{ AGENT_STUDIO_ALLOWED_ORIGINS: 'https://app.example, https://app.example/' }, 'Write it as https://app.example.'],
    [{ AGENT_STUDIO_ALLOWED_ORIGINS: '*' }, 'an origin is https://'],
    [{ HOST: '192.0.2.1' }, 'cannot listen on 192.0.2.1'],
    [{ PORT: 'eighty' }, 'whole number'],
    [{ PORT: '70000' }, '0 to 65535'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    [{ AGENT_STUDIO_SHUTDOWN_SECONDS: '3601' }, 'from 0 to 3600'],
    [{ AGENT_STUDIO_SHUTDOWN_SECONDS: 'soon' }, 'AGENT_STUDIO_SHUTDOWN_SECONDS'],
    [{ AGENT_STUDIO_ENVIRONMENTS: 'one,one' }, 'AGENT_STUDIO_ENVIRONMENTS'],
    [{ AGENT_STUDIO_DEFAULT_MODEL: 'nobody-knows' }, 'AGENT_STUDIO_DEFAULT_MODEL'],
  ] as [Record<string, string>, string][])('when the settings are %j', async (env, says) => {
    expect(await refusal(env)).toContain(says)
  })
})

describe('a start', () => {
  it('listens on an IPv6 address that is written with brackets or without', async () => {
    for (const HOST of ['::1', '[::1]']) {
      const server = await startServer(folder, { HOST })
      const port = new URL(server.url).port
      expect((await call(`http://[::1]:${port}`, 'GET', '/hc')).status).toBe(200)
      await server.stop()
    }
  })

  it('sets up the example once: what a user deletes stays deleted', async () => {
    const first = await startServer(folder)
    const list = async (url: string) => (await call(url, 'GET', '/api/workflows/deployments')).body
    expect(await list(first.url)).toMatchObject([{ deployment_name: 'hello', environment: 'development', status: 'active' }])
    const hello = await call(first.url, 'POST', '/api/workflows/execute', { deployment_name: 'hello', query: 'Hi' })
    expect(hello.body).toMatchObject({ status: 'success', demo: true })
    const names = (await call(first.url, 'GET', '/api/agents')).body.map(({ name }: { name: string }) => name)
    expect(names).toEqual(['CommandAgent', 'WebAgent', 'DataAgent', 'APIAgent'])
    await call(first.url, 'DELETE', '/api/workflows/deployments/hello')
    await first.stop()
    const second = await startServer(folder)
    expect(await list(second.url)).toEqual([])
    await second.stop()
  })

  it('stopped by a signal leaves one file, with everything in it', async () => {
    const server = await startServer(folder)
    expect(await server.stop()).toBe(0)
    expect(readdirSync(join(folder, '.agent-studio')).toSorted()).toEqual(['agent-studio.db', 'lock.db'])
  })

  it('reads a .env file, where the environment wins', async () => {
    writeFileSync(join(folder, '.env'), 'AGENT_STUDIO_ENVIRONMENTS=one,two\nAGENT_STUDIO_DEFAULT_MODEL=demo/echo\n')
    const server = await startServer(folder, { AGENT_STUDIO_ENVIRONMENTS: 'three' })
    const [hello] = (await call(server.url, 'GET', '/api/workflows/deployments')).body
    expect(hello.environment).toBe('three')
    await server.stop()
  })

  it('ends on a fault that nobody catches with one line about it, in which its keys are hidden', async () => {
    const key = 'sk-ant-0123456789abcdefghijklmn'
    const fault = join(folder, 'fault.mjs')
    writeFileSync(
      fault,
      `process.on('SIGUSR2', () => { throw Object.assign(new Error('at fault'), { request: { headers: { 'x-api-key': '${key}' } } }) })`,
    )
    const server = await startServer(folder, { ANTHROPIC_API_KEY: key, NODE_OPTIONS: `--import ${pathToFileURL(fault).href}` })
    server.process.kill('SIGUSR2')
    expect(await server.exited).toBe(1)
    const line = server
      .output()
      .split('\n')
      .find((one) => one.includes('at fault'))
    expect(JSON.parse(line!)).toMatchObject({ level: 60, err: { message: 'at fault', request: { headers: { 'x-api-key': '[hidden]' } } } })
    expect(server.output()).not.toContain(key)
  })

  it('prints nothing but what it is, and keeps its data to its owner', async () => {
    const server = await startServer(folder)
    const data = join(folder, '.agent-studio')
    const files = readdirSync(data).filter((name) => name.startsWith('agent-studio.db'))
    expect(files).toContain('agent-studio.db-wal')
    // Also where the folder was made by somebody else, who lets others in.
    for (const name of files) expect([name, statSync(join(data, name)).mode & 0o777]).toEqual([name, 0o600])
    expect(await server.stop()).toBe(0)
    expect(statSync(data).mode & 0o777).toBe(0o700)
    expect(
      server
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{') || /warn/i.test(line)),
    ).toEqual([])
  })
})

it('a server that npm started ends when npm is killed, and the next start finds port and folder free', async () => {
  // Stands for npm: a process that starts the server and is killed without a chance to tell it.
  const npm = spawn(
    process.execPath,
    ['-e', `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' })`, '--', entry, 'serve'],
    { cwd: folder, env: { PORT: '0', npm_lifecycle_event: 'start' }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [banner] = (await once(npm.stdout, 'data')) as [Buffer]
  const port = /localhost:(\d+)/.exec(banner.toString())![1]!
  npm.kill('SIGKILL')
  const next = await startServer(folder, { PORT: port })
  expect((await call(next.url, 'GET', '/hc')).status).toBe(200)
  await next.stop()
})

describe('a server that is told to stop', () => {
  /** Has an execution of a second under way, and signals as often as the pauses between say. */
  async function interrupted(pauses: number[], query: string) {
    const server = await startServer(folder)
    const answer = call(server.url, 'POST', '/api/workflows/execute', { deployment_name: 'hello', query }).catch(() => undefined)
    const runs = async () => (await call(server.url, 'GET', '/api/executions?status=running')).body.length === 1
    while (!(await runs())) await delay(10)
    const exited = once(server.process, 'exit') as Promise<[number | null]>
    for (const pause of pauses) {
      await delay(pause)
      server.process.kill('SIGINT')
    }
    const [code] = await exited
    return { code, status: (await answer)?.status, said: /^Stopping: .*$/m.exec(server.output())?.[0] }
  }

  it('ends what runs, also when the signal comes twice, as a Ctrl-C under npm does', async () => {
    expect(await interrupted([0, 50], 'take 1 seconds')).toMatchObject({ code: 0, status: 200 })
  })

  it('ends at once when it is told again', async () => {
    const start = performance.now()
    expect(await interrupted([0, 700], 'take 60 seconds')).toMatchObject({ code: 1, status: undefined })
    expect(performance.now() - start).toBeLessThan(7_000)
  })

  it('says what it waits for, in one line', async () => {
    const { said } = await interrupted([0], 'take 1 seconds')
    expect(said).toMatch(/^Stopping: up to 8 s for 1 execution that runs; .* Press Ctrl-C again to leave it at once\.$/)
    const idle = await startServer(folder)
    await idle.stop()
    expect(idle.output()).not.toContain('Stopping')
  })
})

describe('the command line', () => {
  it('lists every setting in its help', async () => {
    const { code, stdout } = await runCommand(folder, ['--help'])
    expect(code).toBe(0)
    for (const name of ['HOST', 'PORT', 'AGENT_STUDIO_DATA_DIR', 'OPENAI_API_KEY', 'LOG_LEVEL']) expect(stdout).toContain(name)
  })

  it('says its version, and refuses a command that it does not have', async () => {
    expect((await runCommand(folder, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const { code, stderr } = await runCommand(folder, ['serv'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "Error: 'serv' is no command of agent-studio.\n  → Did you mean 'agent-studio serve'?\n",
    })
  })
})
