import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, type Answer } from './support/api.ts'
import { removeFolder, runCommand, startServer, temporaryFolder, type TestServer } from './support/server.ts'

/** Keys that are made on the machine itself, and servers that others can reach. */

/** Listens on loopback alone, but is not what the server knows as such. */
const BEYOND = '::ffff:127.0.0.1'

let folder: string
let server: TestServer | undefined
beforeEach(() => {
  folder = temporaryFolder()
  server = undefined
})
afterEach(async () => {
  await server?.kill()
  removeFolder(folder)
})

const run = (...args: string[]) => runCommand(folder, ['key', ...args])

/** Runs what succeeds. @returns what it printed to the standard output */
async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  if (code !== 0) throw new Error(`key ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trim()
}

async function start(env: Record<string, string> = {}): Promise<TestServer> {
  server = await startServer(folder, { LOG_LEVEL: 'error', ...env })
  return server
}

const get = (path: string, key?: string): Promise<Answer> => {
  const { port } = new URL(server!.url)
  return call(`http://127.0.0.1:${port}`, 'GET', path, undefined, key === undefined ? {} : { authorization: `Bearer ${key}` })
}
const outline = ({ status, body }: Answer) => [status, body?.code]

describe('the first key', () => {
  it('is made before there is a server or a database, and is all that the command prints to its output', async () => {
    const { code, stdout, stderr } = await run('create')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^as_\w{12}_\w{49}\n$/)])
    expect(stderr).toMatch(/^This is key as_\w{12}, 'made on the command line': admin; all environments; without an end\. .*\nFrom now on/)
    expect(stderr).not.toContain(stdout.trim())
    expect(readdirSync(join(folder, '.agent-studio')).toSorted()).toEqual(['agent-studio.db', 'lock.db'])

    await start()
    expect(server!.output()).toContain('keys     every request needs one')
    expect(outline(await get('/api/workflows'))).toEqual([401, 'key_missing'])
    expect((await get('/api/workflows', stdout.trim())).status).toBe(200)
    expect((await get('/hc')).status).toBe(200)
  })

  it('closes a server that runs, in the moment that it is made', async () => {
    await start()
    expect(server!.output()).toContain('keys     none')
    expect((await get('/api/workflows')).status).toBe(200)
    const key = await done('create', '--name', 'first')
    expect(outline(await get('/api/workflows'))).toEqual([401, 'key_missing'])
    const [made] = (await get('/api/audit?limit=1', key)).body
    expect(made).toMatchObject({ action: 'key.create', actor: { key_id: '', name: 'local command' }, object: { name: 'first' } })
  })

  it('may be one that cannot manage keys, which is said', async () => {
    const { code, stderr } = await run('create', '--scopes', 'execute')
    expect([code, stderr]).toEqual([0, expect.stringContaining("No key has the scope 'admin'")])
  })
})

describe('a server that others can reach', () => {
  it('does not start without a key, and says how to make one', async () => {
    for (const HOST of ['0.0.0.0', '::', '192.0.2.1', BEYOND]) {
      const { code, stdout, stderr } = await runCommand(folder, ['serve'], { HOST })
      // What cannot be listened on is said first.
      if (HOST === '192.0.2.1') expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('cannot listen')])
      else expect([code, stdout, stderr.split('\n').length, stderr]).toEqual([1, '', 2, expect.stringContaining('key create')])
    }
  })

  it('starts once there is one', async () => {
    const key = await done('create')
    await start({ HOST: BEYOND })
    expect(outline(await get('/api/workflows'))).toEqual([401, 'key_missing'])
    expect((await get('/api/workflows', key)).status).toBe(200)
  })

  it('lets nobody in when the last key is revoked, and does not start again', async () => {
    const key = await done('create')
    await start({ HOST: BEYOND })
    await done('revoke', key, '--last')
    expect(outline(await get('/api/workflows'))).toEqual([401, 'key_missing'])
    expect(outline(await get('/api/workflows', key))).toEqual([401, 'key_invalid'])
    expect(await server!.stop()).toBe(0)
    expect((await runCommand(folder, ['serve'], { HOST: BEYOND })).stderr).toContain('key create')
  })
})

describe('a key that is revoked on the machine', () => {
  it('is refused by the server that runs, from the end of the command on', async () => {
    const [kept, key] = [await done('create'), await done('create', '--name', 'gone')]
    await start()
    expect((await get('/api/workflows', key)).status).toBe(200)
    expect(await done('revoke', key.slice(0, 15))).toBe(`Revoked 'gone' (${key.slice(0, 15)}). Nobody can use it any more.`)
    expect(outline(await get('/api/workflows', key))).toEqual([401, 'key_invalid'])
    expect((await get('/api/workflows', kept)).status).toBe(200)
  })

  it('may be the last one only if that is said, since then everybody on the machine may do everything', async () => {
    const key = await done('create')
    await start()
    const refused = await run('revoke', key)
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toContain('--last')
    expect(refused.stderr).not.toContain(key)
    expect((await get('/api/workflows', key)).status).toBe(200)
    const revoked = await run('revoke', key, '--last')
    expect([revoked.code, revoked.stderr]).toEqual([0, expect.stringContaining('open to everybody on its machine')])
    expect((await get('/api/workflows')).status).toBe(200)
  })

  it('must be one that there is', async () => {
    await done('create')
    const { code, stderr } = await run('revoke', 'as_000000000000')
    expect([code, stderr]).toEqual([1, expect.stringContaining("No API key has the id 'as_000000000000'")])
  })
})

describe('the command', () => {
  it('makes keys for scopes, environments, names, a time and a rate', async () => {
    const args = ['--name', 'ci', '--scopes', 'deploy,workflow:read', '--environments', 'production', '--deployments', 'support-*']
    const text = await done('create', ...args, '--expires', '90d', '--rate-limit', '600/60', '--concurrency', '4', '--json')
    const made = JSON.parse(text)
    expect(made).toMatchObject({
      name: 'ci',
      scopes: ['workflow:read', 'deploy'],
      environments: ['production'],
      deployment_pattern: 'support-*',
      rate_limit: { requests: 600, seconds: 60 },
      concurrency: 4,
      key: expect.stringContaining(made.key_id),
    })
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBe(90 * 86_400_000)
  })

  it('lists keys without their secrets', async () => {
    const key = await done('create', '--name', 'one\u001b[2J')
    const { key: _, ...made } = JSON.parse(
      await done('create', '--name', 'two', '--scopes', 'execute', '--environments', 'production', '--json'),
    )
    const table = await done('list')
    expect(table.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'ID NAME STATUS SCOPES ENVIRONMENTS DEPLOYMENTS EXPIRES LAST USED',
      `${made.key_id} two active execute production all never never`,
      `${key.slice(0, 15)} one?[2J active admin all all never never`,
    ])
    expect(table).not.toContain(key)
    expect(JSON.parse(await done('list', '--json'))).toEqual([made, expect.objectContaining({ key_id: key.slice(0, 15) })])
  })

  it.each([
    [[]],
    [['fly']],
    [['create', 'me']],
    [['create', '--scope', 'admin']],
    [['create', '--scopes', 'root']],
    [['create', '--scopes', '']],
    [['create', '--name', ' ']],
    [['create', '--environments', 'staging']],
    [['create', '--deployments', 'a?']],
    [['create', '--expires', 'tomorrow']],
    [['create', '--expires', '2020-01-01']],
    [['create', '--rate-limit', '10']],
    [['create', '--rate-limit', '10/86401']],
    [['create', '--concurrency', '0']],
    [['list', 'all']],
    [['revoke']],
  ])('does not do what it does not understand, and says how it is called: %j', async (args) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^.+\n\nUsage:\n {2}agent-studio key create/)])
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([[['list']], [['revoke', 'as_000000000000']]])('%j makes no database where there is none', async (args) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('There is no database in')])
    expect(readdirSync(folder)).toEqual([])
  })

  it('leaves a database alone that a server of another version has', async () => {
    mkdirSync(join(folder, '.agent-studio'))
    const database = new DatabaseSync(join(folder, '.agent-studio/agent-studio.db'))
    database.exec('pragma user_version = 999; create table x (a)')
    const lock = new DatabaseSync(join(folder, '.agent-studio/lock.db'))
    lock.exec('pragma locking_mode = exclusive; begin exclusive')
    const { code, stderr } = await run('create')
    lock.close()
    database.close()
    expect([code, stderr]).toEqual([1, expect.stringContaining('of another version')])
  })
})

it('a key for an environment that the server has no more can do nothing there, and nowhere else', async () => {
  const env = { AGENT_STUDIO_ENVIRONMENTS: 'development,staging' }
  const made = await runCommand(folder, ['key', 'create', '--scopes', 'workflow:read', '--environments', 'staging'], env)
  const key = made.stdout.trim()
  await start()
  expect((await get('/api/workflows/deployments', key)).body).toEqual([])
  const unknown = await get('/api/workflows/deployments/hello', key)
  expect([unknown.status, unknown.body.detail]).toEqual([404, expect.stringContaining('in any environment')])
  expect((await get('/api/workflows/deployments/hello?environment=staging', key)).body.detail).toContain('none that this key is for')
})
