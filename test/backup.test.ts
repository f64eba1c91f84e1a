import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fillExecutions } from '../bench/fill.ts'
import { openDatabaseFile } from '../src/store/sqlite/database-file.ts'
import { call, until } from './support/api.ts'
import { removeFolder, runCommand, spawnCommand, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { makeSmallDisk } from './torture/small-disk.ts'

let folder: string
const servers: TestServer[] = []

beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.kill()))
  removeFolder(folder)
})

async function start(where: string): Promise<TestServer> {
  const server = await startServer(where, { LOG_LEVEL: 'error' })
  servers.push(server)
  return server
}

const dataOf = (where: string): string => join(where, '.agent-studio')
const databaseOf = (where: string): string => join(dataOf(where), 'agent-studio.db')

/** A data folder with some history, in which no server runs. */
async function history(executions: number): Promise<void> {
  const { file, release } = await openDatabaseFile(dataOf(folder))
  release()
  fillExecutions(file, { executions, deployments: 2 })
}

function restore(copy: string, name: string): string {
  const where = join(folder, name)
  mkdirSync(dataOf(where), { recursive: true })
  copyFileSync(copy, databaseOf(where))
  return where
}

/** What holds in every database at any moment. */
function faultsOf(file: string): unknown[] {
  const db = new DatabaseSync(file)
  try {
    const all = (sql: string) => db.prepare(sql).all()
    return [
      ...all('pragma integrity_check').filter((row) => row['integrity_check'] !== 'ok'),
      ...all('pragma foreign_key_check'),
      // The answer, its step, its events and the counters are written with the end itself.
      ...all(`select execution_id, 'no step' from executions e where status = 'completed'
        and not exists (select 1 from steps s where s.execution_id = e.execution_id and s.status = 'completed')`),
      ...all(`select execution_id, 'no events' from executions e where status = 'completed'
        and not exists (select 1 from events v where v.execution_id = e.execution_id)`),
      ...all(`select execution_id, 'a step of nobody' from steps where execution_id not in (select execution_id from executions)`),
      ...all(`select deployment_id, execution_count from deployment_counters c where execution_count <>
        (select count(*) from executions e where e.deployment_id = c.deployment_id and ended_at is not null)`),
    ]
  } finally {
    db.close()
  }
}

/** Executes until told to stop: short ones one after the other, and some that are under way whenever a backup is made. */
function load(url: string): { answered: string[]; stop: () => Promise<void> } {
  const stopping = new AbortController()
  const answered: string[] = []
  const client = async (query: string): Promise<void> => {
    while (!stopping.signal.aborted) {
      const { status, body } = await call(url, 'POST', '/api/workflows/execute', { deployment_name: 'hello', query })
      if (status !== 200) throw new Error(`execute answered ${status}`)
      answered.push(body.execution_id)
    }
  }
  const clients = Promise.all([
    ...Array.from({ length: 4 }, () => client('hi')),
    ...Array.from({ length: 4 }, () => client('take 2 seconds')),
  ])
  return {
    answered,
    stop: async () => {
      stopping.abort()
      await clients
    },
  }
}

/** Starts a server on a copy, in which these executions had been answered. */
async function expectWhole(where: string, answered: string[]): Promise<void> {
  expect(faultsOf(databaseOf(where))).toEqual([])
  const { url, stop } = await start(where)
  const listed: { execution_id: string; ended_at: string | null }[] = (await call(url, 'GET', '/api/executions?limit=500')).body
  const unfinished = listed.filter(({ ended_at }) => ended_at === null)
  expect(unfinished.length).toBeGreaterThan(0)
  for (const id of answered.slice(-20)) expect((await call(url, 'GET', `/api/executions/${id}`)).body.status).toBe('completed')
  for (const { execution_id } of unfinished) {
    const ended = await until(async () => {
      const { body } = await call(url, 'GET', `/api/executions/${execution_id}`)
      return body.ended_at !== null && body
    }, 'the execution to be recovered')
    expect(ended.status).toBe('completed')
  }
  await stop()
  expect(faultsOf(databaseOf(where))).toEqual([])
}

describe('agent-studio backup, while a server executes', () => {
  it('copies five times what was there at one moment; each copy starts, is whole, and goes on with what was under way', async () => {
    // Several steps of the copy, so that the server writes between them.
    await history(10_000)
    const { url } = await start(folder)
    const clients = load(url)
    await until(async () => clients.answered.length > 50, 'some executions')
    const copies: { file: string; answeredBefore: string[] }[] = []
    for (let round = 1; round <= 5; round++) {
      const file = join(folder, `copy-${round}.db`)
      const answeredBefore = [...clients.answered]
      const { code, stdout, stderr } = await runCommand(folder, ['backup', ...(round === 5 ? ['--compact'] : []), file])
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^Backed up \d+\.\d MB to .*copy-\d\.db in \d+\.\d s\n$/)
      copies.push({ file, answeredBefore })
    }
    await clients.stop()
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([])

    await Promise.all(copies.map(({ file, answeredBefore }, index) => expectWhole(restore(file, `restored-${index}`), answeredBefore)))
  }, 120_000)

  it('answers as one line of JSON, for its owner alone to read', async () => {
    await start(folder)
    const file = join(folder, 'copy.db')
    const { code, stdout } = await runCommand(folder, ['backup', '--json', file])
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(stdout)).toEqual({ file, bytes: statSync(file).size, milliseconds: expect.any(Number) })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})

describe('agent-studio backup, where no server runs', () => {
  it('copies what is there, and leaves the data folder as it was', async () => {
    await history(100)
    const before = readdirSync(dataOf(folder))
    expect((await runCommand(folder, ['backup', 'copy.db'])).code).toBe(0)
    expect(readdirSync(dataOf(folder))).toEqual(before)
    expect(faultsOf(join(folder, 'copy.db'))).toEqual([])
  })

  it('finds the data folder in .env, as the server does', async () => {
    const { release } = await openDatabaseFile(join(folder, 'elsewhere'))
    release()
    writeFileSync(join(folder, '.env'), 'AGENT_STUDIO_DATA_DIR=elsewhere\n')
    expect((await runCommand(folder, ['backup', 'copy.db'])).stderr).toBe('')
    expect((await runCommand(folder, ['backup', 'other.db'], { AGENT_STUDIO_DATA_DIR: 'nowhere' })).stderr).toContain('no database')
  })

  it('includes what a server that was killed had not yet moved into the database file', async () => {
    const server = await start(folder)
    const { body } = await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: 'hello', query: 'hi' })
    await server.kill()
    expect((await runCommand(folder, ['backup', 'copy.db'])).code).toBe(0)
    const restored = await start(restore(join(folder, 'copy.db'), 'restored'))
    expect((await call(restored.url, 'GET', `/api/executions/${body.execution_id}`)).body.status).toBe('completed')
  })

  it('with --compact leaves out what is free, and makes a file of an older version one that shrinks', async () => {
    await history(2_000)
    const db = new DatabaseSync(databaseOf(folder))
    db.exec(`pragma auto_vacuum = none; vacuum; delete from steps; delete from events`)
    db.close()
    expect((await runCommand(folder, ['backup', 'pages.db'])).code).toBe(0)
    expect((await runCommand(folder, ['backup', '--compact', 'compact.db'])).code).toBe(0)
    expect(statSync(join(folder, 'compact.db')).size).toBeLessThan(statSync(join(folder, 'pages.db')).size / 2)
    const read = (name: string, pragma: string) =>
      Object.values(new DatabaseSync(join(folder, name), { readOnly: true }).prepare(`pragma ${pragma}`).get()!)[0]
    for (const pragma of ['user_version', 'application_id']) expect(read('compact.db', pragma)).toBe(read('pages.db', pragma))
    expect([read('pages.db', 'auto_vacuum'), read('compact.db', 'auto_vacuum')]).toEqual([0, 2])
  })
})

describe.each([
  { command: 'agent-studio backup', options: [] },
  { command: 'agent-studio backup --compact', options: ['--compact'] },
])('$command, when it is interrupted', ({ options }) => {
  const partials = () => readdirSync(folder).filter((name) => name.includes('partial'))

  /** Sends the signal when a part of the copy is there. @returns how the command ended */
  async function interrupt(signal: NodeJS.Signals): Promise<unknown> {
    const child = spawnCommand(folder, ['backup', ...options, 'copy.db'])
    const exit = once(child, 'exit')
    await until(async () => partials().some((name) => statSync(join(folder, name)).size > 0), 'a part of the copy')
    child.kill(signal)
    return (await exit)[1]
  }

  beforeEach(() => history(20_000))

  it.each(['SIGINT', 'SIGTERM'] as const)('by %s takes away what it has written', async (signal) => {
    expect(await interrupt(signal)).toBe(signal)
    expect(readdirSync(folder)).toEqual(['.agent-studio'])
  })

  it('by a kill leaves what the next one takes away, which leaves alone what another one is writing', async () => {
    expect(await interrupt('SIGKILL')).toBe('SIGKILL')
    const [left] = partials()
    const others = left!.replace(/\.\d+\.partial/, `.${process.pid}.partial`)
    writeFileSync(join(folder, others), '')
    expect((await runCommand(folder, ['backup', ...options, 'other.db'])).code).toBe(0)
    expect(partials()).toEqual([others])
  })
})

describe('agent-studio backup is refused in one line', () => {
  async function refusal(args: string[], env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await runCommand(folder, ['backup', ...args], env)
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }, stderr).toEqual({ code: 1, stdout: '', lines: 1 })
    return stderr
  }

  it('when the file exists, which stays as it was', async () => {
    await history(10)
    writeFileSync(join(folder, 'copy.db'), 'precious')
    expect(await refusal(['copy.db'])).toContain('exists already')
    expect(statSync(join(folder, 'copy.db')).size).toBe(8)
  })

  it('when there is no database', async () => {
    expect(await refusal(['copy.db'])).toContain('no database')
    expect(existsSync(dataOf(folder))).toBe(false)
  })

  it('when the database is none, is damaged, or belongs to another program', async () => {
    mkdirSync(dataOf(folder))
    writeFileSync(databaseOf(folder), 'this is no database, but it is long enough to look like one '.repeat(50))
    expect(await refusal(['copy.db'])).toContain('cannot be read')
    writeFileSync(databaseOf(folder), '')
    expect(await refusal(['copy.db'])).toContain('another program')
    expect(readdirSync(folder)).toEqual(['.agent-studio'])
  })

  it('when the place cannot be written', async () => {
    await history(10)
    expect(await refusal(['missing/copy.db'])).toBe(
      `The backup ${join(folder, 'missing/copy.db')} cannot be written: there is no folder ${join(folder, 'missing')}; make it, or choose another place.\n`,
    )
    writeFileSync(join(folder, 'file'), '')
    expect(await refusal(['file/copy.db'])).toContain('file is no folder')
    expect(await refusal(['/proc/copy.db'])).toContain('cannot be written')
  })

  const disk = makeSmallDisk(1)
  const reason = 'reason' in disk ? `: not tested, because ${disk.reason}` : ''
  afterAll(() => 'remove' in disk && disk.remove())

  it(`when the disk is full, and leaves nothing there${reason}`, async () => {
    if ('reason' in disk) return
    await history(2_000)
    for (const args of [[], ['--compact']]) {
      expect(await refusal([...args, join(disk.folder, 'copy.db')])).toContain('disk for the backup is full')
      expect(readdirSync(disk.folder)).toEqual([])
    }
  })

  it('and a wrong call gets the usage; the help names the command', async () => {
    expect((await runCommand(folder, ['--help'])).stdout).toContain('agent-studio backup <file>')
    for (const args of [[], ['a', 'b'], ['--fast', 'a']]) {
      const { code, stderr } = await runCommand(folder, ['backup', ...args])
      expect([code, stderr]).toEqual([2, expect.stringContaining('backup [--compact] [--json] <file>')])
    }
  })
})
