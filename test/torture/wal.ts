import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { call, readEvents, until } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { inParallel, listExecutions, waitForEnds } from './history.ts'
import { startModelProcess, type ModelProcess } from './model-process.ts'
import { Random } from './random.ts'
import { damages, readWal, type Damage, type WalFile } from './wal-file.ts'
import { team, TEAM_STEPS } from './team.ts'

export interface WalOptions {
  seed: number
  /** How many logs are torn. */
  rounds: number
  env?: Record<string, string>
}

export interface WalResult {
  torture: 'wal'
  seed: number
  rounds: number
  /** Executions that were answered before the kill. */
  answered: number
  /** Of those, over all rounds, what the damage took: it is lost by definition. */
  taken: number
  /** What is not as it must be, in words. */
  broken: string[]
  seconds: number
}

interface Answered {
  execution_id: string
  response: string
  invokedAt: number
  returnedAt: number
}

/**
 * Kills a server under load and tears its write-ahead log in every way. On each torn log a server must start, without an
 * error, with a prefix of the history: nothing by half, nothing without what came before it, and what is recorded there
 * is not done again.
 */
export async function tortureWal({ seed, rounds, env = {} }: WalOptions): Promise<WalResult> {
  const began = performance.now()
  const random = new Random(seed)
  const model = await startModelProcess(seed)
  const result: WalResult = { torture: 'wal', seed, rounds, answered: 0, taken: 0, broken: [], seconds: 0 }
  const start = (folder: string) => startServer(folder, { OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'warn', ...env })
  try {
    for (let left = rounds; left > 0; left -= PER_LOG) await tearOneLog(Math.min(left, PER_LOG), { random, model, result, start })
    return { ...result, seconds: Math.round((performance.now() - began) / 100) / 10 }
  } finally {
    await model.close()
  }
}

interface Room {
  random: Random
  model: ModelProcess
  result: WalResult
  start: (folder: string) => Promise<TestServer>
}

/** How often one log is torn before another is made. */
const PER_LOG = 14

async function tearOneLog(times: number, { random, model, result, start }: Room): Promise<void> {
  const folder = temporaryFolder()
  try {
    const answered = await loadAndKill(await start(folder), random)
    result.answered += answered.length
    const wal = readWal(join(folder, '.agent-studio'))
    const choices = damages(wal, random)
    const prefixes: Prefix[] = []
    for (let time = 0; time < times && choices.length > 0; time++) {
      const [damage] = choices.splice(Math.floor(random.next() * choices.length), 1)
      prefixes.push(await new Judge(damage!, answered, model, result).tear(folder, wal, start))
    }
    result.broken.push(...judgeOrder(prefixes))
  } finally {
    removeFolder(folder)
  }
}

const CLIENTS = 8

/** So many large executions fill the log, so that it is copied into the database and begun anew. */
const LARGE = 150

/** Whose executions have one step, which says much. */
const bulky = [{ agent_id: 'bulky', config: { model: 'openai/fills-the-disk' } }]

async function loadAndKill(server: TestServer, random: Random): Promise<Answered[]> {
  const large = random.next() < 0.5 ? LARGE : 0
  const executions = large + Math.floor(random.between(20, 150))
  const names = { bulky: await deployAgents(server, bulky), team: await deployAgents(server, team) }
  const answered: Answered[] = []
  const client = async (): Promise<void> => {
    for (;;) {
      const invokedAt = performance.now()
      const body = { deployment_name: answered.length < large ? names.bulky : names.team, query: 'go' }
      const reply = await call(server.url, 'POST', '/api/workflows/execute', body).catch(() => undefined)
      if (!reply) return
      if (reply.status !== 200) throw new Error(`an execution was answered with ${reply.status}`)
      const { execution_id, response } = reply.body
      answered.push({ execution_id, response, invokedAt, returnedAt: performance.now() })
    }
  }
  const load = Array.from({ length: CLIENTS }, client)
  await until(async () => answered.length >= executions, 'so many answers', 60_000)
  await server.kill()
  await Promise.all(load)
  return answered
}

/** What a torn log still holds. */
interface Prefix {
  damage: Damage
  ended: Set<string>
}

/** Of two logs, the one that is whole for longer holds at least what the other holds. */
function judgeOrder(prefixes: readonly Prefix[]): string[] {
  const sorted = prefixes.toSorted((a, b) => a.damage.at - b.damage.at)
  return sorted.flatMap(({ damage, ended }, index) => {
    const before = sorted[index - 1]
    if (!before || before.ended.isSubsetOf(ended)) return []
    return [`a log ${damage.name} from byte ${damage.at} on holds less than one ${before.damage.name} from byte ${before.damage.at} on`]
  })
}

class Judge {
  readonly #damage: Damage
  readonly #answered: readonly Answered[]
  readonly #model: ModelProcess
  readonly #result: WalResult

  constructor(damage: Damage, answered: readonly Answered[], model: ModelProcess, result: WalResult) {
    this.#damage = damage
    this.#answered = answered
    this.#model = model
    this.#result = result
  }

  async tear(folder: string, wal: WalFile, start: (folder: string) => Promise<TestServer>): Promise<Prefix> {
    const copy = temporaryFolder()
    const look = temporaryFolder()
    try {
      cpSync(join(folder, '.agent-studio'), join(copy, '.agent-studio'), { recursive: true })
      this.#damage.apply(join(copy, '.agent-studio'))
      // Looked at in a copy of the copy: whoever opens a log also mends it.
      cpSync(join(copy, '.agent-studio'), join(look, '.agent-studio'), { recursive: true })
      const { ended, recorded } = this.#judgeFile(look)
      this.#result.taken += this.#answered.filter(({ execution_id }) => !ended.has(execution_id)).length
      if (this.#damage.at >= wal.to)
        this.#expect(
          this.#answered.every(({ execution_id }) => ended.has(execution_id)),
          'it lost something',
        )
      const callsBefore = (await this.#model.calls()).length
      const server = await start(copy).catch((error: Error) => this.#expect(false, `the server did not start: ${error.message}`))
      if (!server) return { damage: this.#damage, ended }
      await this.#judgeServer(server)
      await server.kill()
      const again = (await this.#model.calls()).slice(callsBefore).filter(({ key }) => recorded.has(key))
      this.#expect(again.length === 0, `${again.length} recorded steps were called again`)
      this.#judgeFile(copy)
      return { damage: this.#damage, ended }
    } finally {
      removeFolder(copy)
      removeFolder(look)
    }
  }

  /** What the database holds, and whether it is one that some moment of the history has left. */
  #judgeFile(folder: string) {
    const database = new DatabaseSync(join(folder, '.agent-studio/agent-studio.db'))
    const all = (sql: string) => database.prepare(sql).all() as Record<string, string | number | null>[]
    try {
      const integrity = JSON.stringify(all('pragma integrity_check'))
      this.#expect(integrity === '[{"integrity_check":"ok"}]', integrity)
      this.#expect(all('pragma foreign_key_check').length === 0, 'a row refers to none')
      const executions = all('select * from executions')
      const completed = Map.groupBy(
        all("select * from steps where kind = 'model' and status = 'completed'"),
        (step) => step['execution_id'],
      )
      const events = Map.groupBy(all('select * from events order by execution_id, first_id'), (row) => row['execution_id'])
      for (const { execution_id, status, response, last_event_id } of executions) {
        if (status !== 'completed') continue
        const steps = completed.get(execution_id!)?.length
        const wanted = String(response).startsWith('all done') ? TEAM_STEPS : 1
        this.#expect(steps === wanted, `an execution has completed with ${steps} steps`)
        // The first and the last event are in the row of the execution.
        let next = 2
        for (const { first_id, last_id } of events.get(execution_id!) ?? []) next = first_id === next ? Number(last_id) + 1 : NaN
        this.#expect(next === last_event_id, 'the events of an execution have a gap')
      }
      const ended = executions.filter(({ ended_at }) => ended_at !== null)
      const counted = all('select total(execution_count) as n from deployment_counters')[0]!['n']
      this.#expect(counted === ended.length, `${counted} executions are counted, ${ended.length} have ended`)
      const responses = new Map(ended.map((row) => [String(row['execution_id']), row['response']]))
      this.#judgePrefix(responses)
      const recorded = new Set([...completed.values()].flat().map((step) => `${step['execution_id']}:${step['step_id']}`))
      return { ended: new Set(responses.keys()), recorded }
    } finally {
      database.close()
    }
  }

  /** What was answered before something else began is there if the other is. */
  #judgePrefix(ended: ReadonlyMap<string, unknown>): void {
    const there = this.#answered.filter(({ execution_id }) => ended.has(execution_id))
    const latest = Math.max(...there.map(({ invokedAt }) => invokedAt))
    const missing = this.#answered.filter(({ execution_id, returnedAt }) => returnedAt < latest && !ended.has(execution_id))
    this.#expect(missing.length === 0, `${missing.length} executions are missing that ended before others began`)
  }

  /** Everything can be asked, and everything comes to its end. */
  async #judgeServer({ url, output }: TestServer): Promise<void> {
    this.#expect((await waitForEnds(url)) === 0, 'executions do not end')
    await inParallel(await listExecutions(url), async ({ execution_id, status }) => {
      this.#expect(status === 'completed', `an execution is ${status}`)
      for (const part of ['', '/steps']) {
        const answer = await call(url, 'GET', `/api/executions/${execution_id}${part}`)
        this.#expect(answer.status === 200, `GET ${part} was answered with ${answer.status}`)
      }
      const events = await readEvents(await fetch(`${url}/api/executions/${execution_id}/events`))
      this.#expect(events.at(-1)?.data.status === 'completed', 'the events of an execution have no end')
    })
    this.#expect(!/"level":[56]0/.test(output()), `the server logged ${output()}`)
  }

  #expect(holds: boolean, problem: string): undefined {
    if (!holds) this.#result.broken.push(`a log ${this.#damage.name} (byte ${this.#damage.at}): ${problem}`)
  }
}
