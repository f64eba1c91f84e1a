import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuditEntry } from '../src/audit/entry.ts'
import { call, until } from './support/api.ts'
import { makeOldDatabase } from './support/old-database.ts'
import { removeFolder, runCommand, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { inspectTrail } from './torture/trail.ts'

/** The trail of a real server, and the command that looks at it. */

let folder: string
let server: TestServer | undefined
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(async () => {
  await server?.kill()
  server = undefined
  removeFolder(folder)
})

const dataDir = () => join(folder, '.agent-studio')
const database = () => join(dataDir(), 'agent-studio.db')
const audit = (...args: string[]) => runCommand(folder, ['audit', ...args])
const entries = async (query = ''): Promise<AuditEntry[]> => (await call(server!.url, 'GET', `/api/audit${query}`)).body

async function start(): Promise<TestServer> {
  server = await startServer(folder, { LOG_LEVEL: 'error' })
  return server
}

const newAgent = (name: string) => call(server!.url, 'POST', '/api/agents', { name, config: { model: 'demo/echo' } })

function tamper(sql: string): void {
  const file = new DatabaseSync(database(), { timeout: 5_000 })
  file.exec(`drop trigger audit_no_update; drop trigger audit_no_delete; ${sql}`)
  file.close()
}

describe('the trail of a server', () => {
  it('begins with what it set up by itself, and goes on with who asked from where', async () => {
    await start()
    expect((await newAgent('first')).status).toBe(200)
    const [last, ...before] = await entries()
    expect(last).toMatchObject({
      action: 'agent.create',
      actor: { key_id: '', name: null, address: '127.0.0.1' },
      object: { type: 'agent', name: 'first' },
    })
    expect(before.map(({ action }) => action).toReversed()).toEqual([
      ...Array.from({ length: 4 }, () => 'agent.create'),
      'workflow.create',
      'deployment.deploy',
    ])
    expect(before.every(({ actor }) => actor.name === 'server' && actor.address === null)).toBe(true)
  })

  it('names the key, and the command on the machine', async () => {
    await start()
    const made = await runCommand(folder, ['key', 'create', '--name', 'CI', '--json'])
    const { key, key_id } = JSON.parse(made.stdout)
    const headers = { authorization: `Bearer ${key}` }
    expect((await call(server!.url, 'POST', '/api/agents', { name: 'by key' }, headers)).status).toBe(200)
    const [byKey, byCommand] = (await call(server!.url, 'GET', '/api/audit?limit=2', undefined, headers)).body as AuditEntry[]
    expect(byKey).toMatchObject({ action: 'agent.create', actor: { key_id, name: 'CI', address: '127.0.0.1' } })
    expect(byCommand).toMatchObject({
      action: 'key.create',
      object: { type: 'key', id: key_id, name: 'CI' },
      actor: { key_id: '', name: 'local command', address: null },
    })
    expect(JSON.stringify([byKey, byCommand])).not.toContain(key)
  })

  it('names who cancelled by leaving', async () => {
    await start()
    const leaving = new AbortController()
    const body = { deployment_name: 'hello', query: 'take 600 seconds', on_disconnect: 'cancel' }
    const asked = fetch(`${server!.url}/api/workflows/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: leaving.signal,
    }).catch(() => undefined)
    await until(async () => (await call(server!.url, 'GET', '/api/executions?status=running')).body.length === 1, 'the execution')
    leaving.abort()
    await asked
    await until(async () => (await entries('?action=execution.cancel')).length === 1, 'the entry')
    expect((await entries('?action=execution.cancel'))[0]).toMatchObject({
      actor: { key_id: '', name: null, address: '127.0.0.1' },
      before: { status: 'running' },
      after: { status: 'cancelled' },
    })
  })

  it('has one entry of a request that is sent again', async () => {
    await start()
    const send = () => call(server!.url, 'POST', '/api/agents', { name: 'once' }, { 'idempotency-key': 'k' })
    await send()
    expect((await send()).status).toBe(200)
    expect(await entries('?object=once')).toHaveLength(1)
  })

  it(
    'is whole after kills in the midst of changes and refusals, with an entry of each change that was answered',
    { timeout: 60_000 },
    async () => {
      await start()
      const answered: string[] = []
      const over = new AbortController()
      let count = 0
      const client = async (): Promise<void> => {
        while (!over.signal.aborted) {
          const name = `agent ${count++}`
          const [made] = await Promise.all([
            newAgent(name).catch(() => undefined),
            // Refused in the same commits: the name is taken.
            newAgent('CommandAgent').catch(() => undefined),
          ])
          if (made?.status !== 200) continue
          answered.push(`agent.create ${name}`)
          const deleted = await call(server!.url, 'DELETE', `/api/agents/${made.body.agent_id}`).catch(() => undefined)
          if (deleted?.status === 200) answered.push(`agent.delete ${name}`)
        }
      }
      const clients = Array.from({ length: 8 }, client)
      for (let kills = 0; kills < 3; kills++) {
        const before = answered.length
        await until(async () => answered.length > before + 50, 'changes')
        await server!.kill()
        await start()
      }
      over.abort()
      await Promise.all(clients)
      expect(await inspectTrail(dataDir())).toEqual([])
      const { stdout } = await audit('export')
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditEntry)
      const told = lines.map(({ action, object }) => `${action} ${object.name}`)
      expect(new Set(told).isSupersetOf(new Set(answered))).toBe(true)
      expect(new Set(told).size).toBe(told.length)
    },
  )
})

describe('agent-studio audit', () => {
  it('verifies while a server runs and when none does, and leaves nothing behind', async () => {
    await start()
    const running = await audit('verify')
    expect(running).toMatchObject({ code: 0, stderr: '' })
    expect(running.stdout).toMatch(/^6 entries, whole\nlast 6:[0-9a-f]{64}\n$/)
    await newAgent('seventh')
    const { stdout } = await audit('verify', '--json')
    expect(JSON.parse(stdout)).toEqual({ whole: true, entries: 7, head: { seq: 7, hash: (await entries())[0]!.hash } })
    await server!.stop()
    expect(await audit('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('7 entries, whole') })
    expect(new DatabaseSync(database()).prepare('select count(*) as n from audit').get()).toEqual({ n: 7 })
  })

  it('names the first bad entry and exits with 1', async () => {
    await start()
    tamper("update audit set actor_name = 'nobody' where seq = 3")
    const told = await audit('verify')
    expect(told).toEqual({ code: 1, stdout: '', stderr: 'Entry 3 is not as it was written. 2 entries before it, whole.\n' })
    const { code, stdout } = await audit('verify', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      { whole: false, entries: 2, bad: { seq: 3, reason: 'changed', message: 'Entry 3 is not as it was written.' } },
    ])
  })

  it('finds that the end was cut off, if the end was noted', async () => {
    await start()
    const noted = /last (\S+)/.exec((await audit('verify')).stdout)![1]!
    await newAgent('seventh')
    expect(await audit('verify', '--expect', noted)).toMatchObject({ code: 0 })
    const later = /last (\S+)/.exec((await audit('verify')).stdout)![1]!
    tamper('delete from audit where seq = 7')
    expect(await audit('verify', '--expect', noted)).toMatchObject({ code: 0 })
    expect(await audit('verify', '--expect', later)).toMatchObject({ code: 1, stderr: expect.stringContaining('Entry 7 is missing') })
  })

  it('looks at backups, also where nothing can be written, and at exports', async () => {
    await start()
    const backup = join(folder, 'copy.db')
    expect(await runCommand(folder, ['backup', backup])).toMatchObject({ code: 0 })
    await newAgent('seventh')
    expect(await audit('verify', backup)).toMatchObject({ code: 0, stdout: expect.stringContaining('6 entries, whole') })
    const sealed = join(folder, 'sealed')
    mkdirSync(sealed)
    copyFileSync(backup, join(sealed, 'copy.db'))
    chmodSync(sealed, 0o500)
    expect(await audit('verify', join(sealed, 'copy.db'))).toMatchObject({ code: 0, stdout: expect.stringContaining('6 entries') })
    chmodSync(sealed, 0o700)

    const { stdout } = await audit('export', '--after', '2')
    const lines = join(folder, 'trail.jsonl')
    writeFileSync(lines, stdout)
    expect(stdout).toBe(await (await fetch(`${server!.url}/api/audit/export?after=2`)).text())
    expect(await audit('verify', lines)).toMatchObject({ code: 0, stdout: expect.stringContaining('5 entries, whole') })
    writeFileSync(lines, readFileSync(lines, 'utf8').replace('seventh', 'eighth'))
    expect(await audit('verify', lines)).toMatchObject({ code: 1, stderr: expect.stringContaining('Entry 7 is not as it was written') })
    writeFileSync(lines, '{"seq":1}\n{"nothing":1}\n')
    expect(await audit('verify', lines)).toMatchObject({ code: 1, stderr: 'Line 2 is no entry of a trail.\n' })
  })

  it('ends quietly when nobody reads on', async () => {
    await start()
    await server!.stop()
    server = undefined
    const file = new DatabaseSync(database())
    file.exec(`drop trigger audit_only_at_the_end; insert into audit with recursive n(i) as (select 7 union all select i + 1 from n where i < 20000)
      select i, i, '', null, null, 'agent.update', 'agent', 'a', 'A', null, null, null, '', '' from n`)
    file.close()
    const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/agent-studio.js'), 'audit', 'export'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = await once(child, 'exit')
    expect([code, stderr]).toEqual([0, ''])
  })

  it('refuses what makes no sense, and says what would', async () => {
    const calls: [string[], number, RegExp][] = [
      [[], 2, /Say what to do with the trail[^]*Usage:/],
      [['erase'], 2, /'erase' is nothing/],
      [['verify', '--expect', '7'], 2, /--expect is '7'/],
      [['verify', '--expect', `0:${'a'.repeat(64)}`], 2, /--expect is/],
      [['export', '--after', 'x'], 2, /--after is 'x'/],
      [['verify', 'a', 'b'], 2, /one file at most/],
      [['verify', '--what'], 2, /Unknown option '--what'/],
      [['verify'], 1, /no (file or folder|database)/i],
      [['verify', 'nowhere.db'], 1, /There is no file or folder/],
    ]
    for (const [args, code, reason] of calls) {
      const told = await audit(...args)
      expect([args, told.code]).toEqual([args, code])
      expect(told.stderr).toMatch(reason)
      expect(told.stderr).not.toContain('    at ')
    }
    const other = join(folder, 'other.db')
    const file = new DatabaseSync(other)
    file.exec('create table a (b)')
    file.close()
    expect(await audit('verify', other)).toMatchObject({ code: 1, stderr: expect.stringContaining('is no database of Agent Studio') })
    await makeOldDatabase(join(folder, 'old'), 1)
    expect(await audit('verify', join(folder, 'old'))).toMatchObject({ code: 1, stderr: expect.stringContaining('is of an older version') })
    writeFileSync(other, 'no database at all')
    expect(await audit('verify', other)).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be read') })
  })
})
