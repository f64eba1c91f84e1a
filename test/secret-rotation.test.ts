import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseKeys } from '../src/secrets/key-file.ts'
import { SealingKey } from '../src/secrets/sealing.ts'
import { call } from './support/api.ts'
import { startScriptedModel, type ScriptedModel } from './support/scripted-model.ts'
import { removeFolder, runCommand, startServer, temporaryFolder, type TestServer } from './support/server.ts'

/** The rotation of the key of secrets, as an operator does it, on a server that works meanwhile. */

const SECRETS = 400

let folder: string
let keyFile: string
let server: TestServer
let model: ScriptedModel
/** What each may be: while a change is under way, what it was or what it will be. */
const values = new Map<string, string[]>()

beforeAll(async () => {
  folder = temporaryFolder()
  keyFile = join(folder, 'keys')
  model = await startScriptedModel()
  model.always({ text: 'ok' })
  await secret('keygen', keyFile)
  server = await startServer(folder, { ...env(), OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'error' })
  await Promise.all(Array.from({ length: SECRETS }, (_, number) => put(`TOKEN_${number}`, `first-value-${number}`)))
})
afterAll(async () => {
  await server.kill()
  await model.close()
  removeFolder(folder)
})

const env = (): Record<string, string> => ({ AGENT_STUDIO_SECRET_KEY_FILE: keyFile })
const secret = (...args: string[]) => runCommand(folder, ['secret', ...args], env())
const keyIds = (): string[] => parseKeys(readFileSync(keyFile)).map((key) => new SealingKey(key).id)

async function put(name: string, value: string): Promise<void> {
  values.set(name, [...(values.get(name) ?? []), value])
  let status: number
  // A machine that is busy with other tests refuses some of so many at once.
  while ((status = (await call(server.url, 'PUT', `/api/secrets/production/${name}`, { value })).status) === 503) await delay(100)
  expect(status).toBe(200)
  values.set(name, [value])
}

/** Every row, opened with the keys of the file. @returns how many each key has sealed */
function checkAll(): Record<string, number> {
  const keys = new Map(parseKeys(readFileSync(keyFile)).map((bytes) => [new SealingKey(bytes).id, new SealingKey(bytes)]))
  const database = new DatabaseSync(join(folder, '.agent-studio/agent-studio.db'), { readOnly: true })
  const rows = database.prepare('select environment, name, key_id, sealed from secrets').all() as {
    environment: string
    name: string
    key_id: string
    sealed: Uint8Array
  }[]
  database.close()
  for (const row of rows) expect(values.get(row.name)).toContain(keys.get(row.key_id)?.open(row.sealed, row))
  expect(rows.length).toBe(values.size)
  const counts: Record<string, number> = {}
  for (const { key_id } of rows) counts[key_id] = (counts[key_id] ?? 0) + 1
  return counts
}

describe('a rotation on a server that works', () => {
  const stop = new AbortController()
  let work: Promise<void>
  const failures: unknown[] = []
  let old: string

  beforeAll(async () => {
    const configuration = { agents: [{ agent_id: 'a', config: { model: 'openai/any', api_key: '{{ secrets.TOKEN_0 }}' } }] }
    const { body } = await call(server.url, 'POST', '/api/workflows', { name: 'Rotates', configuration })
    await call(server.url, 'POST', `/api/workflows/${body.workflow_id}/deploy`, { deployment_name: 'rotates' })
    old = keyIds()[0]!
    work = load()
  })
  afterAll(async () => {
    stop.abort()
    await work
  })

  /** Executions that need a secret, and changes of secrets, for as long as the test lasts. */
  async function load(): Promise<void> {
    for (let turn = 0; !stop.signal.aborted; turn++) {
      await put(`TOKEN_${turn % SECRETS}`, `value-${turn}-of-this-turn`).catch((error: unknown) => failures.push(error))
      const { status, body } = await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: 'rotates', query: '?' })
      const used = model.requests.at(-1)!.headers.authorization
      if (status !== 200 || used !== `Bearer ${values.get('TOKEN_0')![0]}`) failures.push([status, body, used])
    }
  }

  it('begins with a new first key, which the server notices by itself', async () => {
    expect(await secret('keygen', '--add', keyFile)).toMatchObject({ code: 0 })
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
    expect(keyIds()).toEqual([expect.not.stringMatching(old), old])
  })

  it('may be killed at any time: every secret stays readable', { timeout: 60_000 }, async () => {
    for (let kills = 0; kills < 6; kills++) {
      const command = join(import.meta.dirname, '../bin/agent-studio.js')
      const child = spawn(process.execPath, [command, 'secret', 'rotate'], {
        cwd: folder,
        env: { PATH: process.env['PATH'] ?? '', ...env() },
      })
      const exited = once(child, 'exit')
      // From before it has opened the database until it is nearly done.
      await delay(120 + kills * 45)
      child.kill('SIGKILL')
      await exited
      checkAll()
    }
  })

  it('comes to its end, although secrets are changed meanwhile', { timeout: 30_000 }, async () => {
    const { code, stdout } = await secret('rotate', '--json')
    const [first] = keyIds()
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { key_id: first, unreadable: [], keys_in_use: [{ key_id: first, secrets: SECRETS }] },
    ])
    expect(checkAll()).toEqual({ [first!]: SECRETS })
    expect((await secret('keys')).stdout).toContain(`${old}  further  0 secrets, so it can be taken out of the file`)
  })

  it('ends with the old key taken out of the file, while the server goes on', async () => {
    const line = readFileSync(keyFile, 'utf8')
      .split('\n')
      .find((text) => text && !text.startsWith('#'))
    writeFileSync(keyFile, `${line}\n`)
    expect(keyIds()).not.toContain(old)
    // Longer than the server takes to look at the file.
    await delay(1_200)
    await put('AFTERWARDS', 'a value of afterwards')
    const before = model.requests.length
    expect((await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: 'rotates', query: '?' })).status).toBe(200)
    expect(model.requests.length).toBeGreaterThan(before)
    checkAll()
    stop.abort()
    await work
    expect(failures).toEqual([])
  })

  it('leaves the trail whole, and no value in it', async () => {
    expect((await runCommand(folder, ['audit', 'verify'])).code).toBe(0)
    const { body } = await call(server.url, 'GET', '/api/audit?action=secret.rotate&limit=500')
    expect(body.length).toBeGreaterThan(0)
    expect(body[0]).toMatchObject({ actor: { name: 'local command' }, before: { key_id: old }, after: { key_id: keyIds()[0] } })
    expect(JSON.stringify(body)).not.toContain('value')
  })
})

describe('agent-studio secret', () => {
  it('makes no key file in the place of another', async () => {
    const content = readFileSync(keyFile)
    const { code, stderr } = await secret('keygen', keyFile)
    expect([code, stderr]).toMatchObject([1, expect.stringContaining('exists already and is left as it is')])
    expect(readFileSync(keyFile)).toEqual(content)
  })

  it('says which keys are missing, and exits with 1', async () => {
    const other = join(folder, 'other-keys')
    await secret('keygen', other)
    const { code, stdout } = await runCommand(folder, ['secret', 'keys', '--json'], { AGENT_STUDIO_SECRET_KEY_FILE: other })
    const states = JSON.parse(stdout) as { state: string; secrets: number; key_id: string }[]
    expect(code).toBe(1)
    expect(states.map(({ state, secrets }) => [state, secrets])).toEqual([
      ['first', 0],
      ['missing', SECRETS + 1],
    ])
    expect(states[1]!.key_id).toBe(keyIds()[0])
    const rotated = await runCommand(folder, ['secret', 'rotate'], { AGENT_STUDIO_SECRET_KEY_FILE: other })
    expect([rotated.code, rotated.stderr]).toMatchObject([1, expect.stringContaining('AFTERWARDS of production stays as it is: its key')])
  })

  it('adds no key to a file that nobody could use', async () => {
    const path = join(folder, 'spoiled')
    writeFileSync(path, 'spoiled', { mode: 0o600 })
    const { code, stderr } = await secret('keygen', '--add', path)
    expect([code, stderr]).toMatchObject([1, expect.stringContaining('is malformed in line 1')])
    expect(readFileSync(path, 'utf8')).toBe('spoiled')
  })

  it.each([
    [[], 'secret list'],
    [['burn'], "'secret burn' is no command"],
    [['keygen'], 'Usage:'],
    [['keygen', 'a', 'b'], 'Usage:'],
    [['rotate', 'now'], 'Usage:'],
    [['keys', '--yaml'], 'Usage:'],
  ])('%j is a wrong call', async (args, answer) => {
    const { code, stderr } = await secret(...args)
    expect([code, stderr]).toMatchObject([2, expect.stringContaining(answer)])
  })

  it('needs to know the key file', async () => {
    const { code, stderr } = await runCommand(folder, ['secret', 'rotate'])
    expect([code, stderr]).toMatchObject([1, expect.stringContaining('AGENT_STUDIO_SECRET_KEY_FILE is not set')])
  })
})
