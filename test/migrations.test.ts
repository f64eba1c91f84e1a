import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrations } from '../src/store/migrations.ts'
import { openDatabaseFile } from '../src/store/sqlite/database-file.ts'
import { call } from './support/api.ts'
import { makeOldDatabase } from './support/old-database.ts'
import { removeFolder, startServer, temporaryFolder } from './support/server.ts'
import { makeSmallDisk, type SmallDisk } from './torture/small-disk.ts'

const openAndDie = join(import.meta.dirname, 'support/open-and-die.ts')

let folder: string
let old: string
let copies = 0

beforeAll(async () => {
  folder = temporaryFolder()
  old = join(folder, 'old')
  await makeOldDatabase(old, 1_000)
})
afterAll(() => removeFolder(folder))

function copyOfOld(): string {
  const dataDir = join(folder, `copy-${++copies}`)
  cpSync(old, dataDir, { recursive: true })
  return dataDir
}

/** Opens a data folder in a process of its own, which is killed at this statement. @returns what it printed, if it came to its end */
async function openUntil(dataDir: string, deadlyStatement: number): Promise<string | undefined> {
  const child = spawn(process.execPath, [openAndDie, dataDir, String(deadlyStatement)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (signal === 'SIGKILL') return undefined
  expect(code).toBe(0)
  return printed.trim()
}

/** Everything of a database that a migration may not lose, and what it has become. */
function describeDatabase(dataDir: string) {
  const db = new DatabaseSync(join(dataDir, 'agent-studio.db'))
  try {
    const all = (sql: string) => db.prepare(sql).all()
    const tables = ['workflows', 'deployments', 'deployment_counters', 'releases', 'routes', 'definitions', 'executions', 'steps', 'events']
    return {
      integrity: all('pragma integrity_check'),
      version: all('pragma user_version'),
      id: all('pragma application_id'),
      auto_vacuum: all('pragma auto_vacuum'),
      schema: all('select type, name, sql from sqlite_schema order by name'),
      rows: tables.map((table) => [table, db.prepare(`select count(*) as n from ${table}`).get()!['n']]),
      executions: all('select execution_id, status, request, response, ended_at from executions order by execution_id'),
    }
  } finally {
    db.close()
  }
}

async function open(dataDir: string): Promise<void> {
  const { release } = await openDatabaseFile(dataDir)
  release()
}

describe('the migration of a database of version 0.1.0', () => {
  it('that is killed at any statement is finished by the next start, and nothing is lost', async () => {
    const whole = copyOfOld()
    const statements = Number(await openUntil(whole, 0))
    expect(statements).toBeGreaterThan(20)
    const expected = describeDatabase(whole)
    expect(expected.version).toEqual([{ user_version: migrations.length }])
    expect(expected.rows).toEqual(describeDatabase(old).rows)

    const kill = async (statement: number): Promise<void> => {
      const dataDir = copyOfOld()
      expect(await openUntil(dataDir, statement)).toBeUndefined()
      await open(dataDir)
      expect(describeDatabase(dataDir), `killed at statement ${statement}`).toEqual(expected)
      removeFolder(dataDir)
    }
    for (let statement = 1; statement <= statements; statement += 2) {
      await Promise.all([kill(statement), statement < statements ? kill(statement + 1) : undefined])
    }
  }, 120_000)

  it('that is killed again and again, at random moments, is finished in the end', async () => {
    const dataDir = copyOfOld()
    for (let kills = 0; kills < 10; kills++) {
      const child = spawn(process.execPath, [openAndDie, dataDir, '0'], { stdio: 'ignore' })
      const ended = once(child, 'close')
      await Promise.race([ended, delay(60 + Math.random() * 150)])
      child.kill('SIGKILL')
      await ended
    }
    await open(dataDir)
    const expected = copyOfOld()
    await open(expected)
    expect(describeDatabase(dataDir)).toEqual(describeDatabase(expected))
  })

  it('of a new database, killed at any statement, is finished by the next start', async () => {
    const whole = join(folder, 'new')
    const statements = Number(await openUntil(whole, 0))
    const expected = describeDatabase(whole)
    for (let statement = 1; statement <= statements; statement += 7) {
      const dataDir = join(folder, `new-${statement}`)
      expect(await openUntil(dataDir, statement)).toBeUndefined()
      await open(dataDir)
      expect(describeDatabase(dataDir), `killed at statement ${statement}`).toEqual(expected)
    }
  }, 120_000)

  it('lets a server go on where the old one was: its executions are listed, and those in flight end', async () => {
    const where = join(folder, 'served')
    cpSync(old, join(where, '.agent-studio'), { recursive: true })
    const server = await startServer(where, { LOG_LEVEL: 'error' })
    const listed = (await call(server.url, 'GET', '/api/executions?deployment_name=filled-2&limit=500')).body
    expect(listed.length).toBeGreaterThan(250)
    const answer = await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: 'filled-2', query: 'still there?' })
    expect(answer.body.response).toBe('still there?')
    const { body: served } = await call(server.url, 'GET', '/api/workflows/deployments/filled-2/traffic')
    expect(served).toMatchObject({ live: 2, routes: [{ release: 2, percent: 100 }], change: { number: 1, kind: 'deploy' } })
    const before = (await call(server.url, 'GET', `/api/executions/${listed[0].execution_id}`)).body.routing
    expect(before).toMatchObject({ release: { number: listed[0].release }, change: null })
    await server.stop()
    expect(describeDatabase(join(where, '.agent-studio')).executions.filter(({ ended_at }) => ended_at === null)).toEqual([])
  })
})

describe('a start on a full disk', () => {
  const disk = makeSmallDisk(16)
  const reason = 'reason' in disk ? `: not tested, because ${disk.reason}` : ''
  afterAll(() => 'remove' in disk && disk.remove())

  /** Starts with more room each time. @returns what each start said that was refused, until one was not */
  async function startWithMoreRoom(small: SmallDisk, prepare: (dataDir: string) => void): Promise<string[]> {
    const dataDir = join(small.folder, 'data')
    const refusals: string[] = []
    for (let room = 0; room < 3_000_000; room += 100_000) {
      small.free()
      removeFolder(dataDir)
      prepare(dataDir)
      small.fill(room)
      try {
        const server = await startServer(folder, { AGENT_STUDIO_DATA_DIR: dataDir, LOG_LEVEL: 'error' })
        await server.kill()
        return refusals
      } catch (error) {
        refusals.push((error as Error).message)
      }
    }
    throw new Error(`no start succeeded: ${refusals.at(-1)}`)
  }

  it.each([
    ['of a new database', () => undefined],
    ['of a database that is to be migrated', (dataDir: string) => cpSync(old, dataDir, { recursive: true })],
  ] as [string, (dataDir: string) => void][])(`%s is refused in one line${reason}`, async (_, prepare) => {
    if ('reason' in disk) return
    const refusals = await startWithMoreRoom(disk, prepare)
    expect(refusals.length).toBeGreaterThan(2)
    for (const refusal of refusals) expect(refusal).toMatch(/^the server ended with 1:\nThe .* full\..*\n$/)
  })
})
