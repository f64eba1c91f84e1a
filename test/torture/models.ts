import { call, readEvents, remainingText, type Answer } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { badModelCatalogue } from './bad-models.ts'
import { inParallel } from './history.ts'
import { startModelProcess } from './model-process.ts'
import { RssWatch } from './rss-watch.ts'

export interface ModelsOptions {
  seed: number
  /** How often each bad model is called. */
  rounds: number
  env?: Record<string, string>
}

export interface ModelsResult {
  torture: 'models'
  seed: number
  rounds: number
  /** Kinds of bad models, and executions of them. */
  kinds: number
  executions: number
  /** Executions of a good model beside them. */
  healthy: number
  /** Milliseconds that those took alone, beside bad models, and beside bad models that send megabytes: 99th percentiles. */
  aloneMs: number
  besideMs: number
  besideBulkyMs: number
  /** Of the whole server, in MB, before and at its highest. */
  rssBefore: number
  rssPeak: number
  broken: string[]
  seconds: number
}

/** Executions of bad models at once, of those that send megabytes, and clients of the good one. */
const BAD_AT_ONCE = 16
const BULKY_AT_ONCE = 4
const HEALTHY_CLIENTS = 4
/** Seconds, for the executions of bad models. */
const TIMEOUT = 3
/** How long after its timeout an execution may be answered at most: it must still be recorded. */
const SLACK_MS = 5_000

/**
 * Executes models that hang, stutter, lie and break off, beside a good one. Each must end in time, with a right answer or
 * an error that says what was wrong, and the others must not notice.
 */
export async function tortureByModels({ seed, rounds, env = {} }: ModelsOptions): Promise<ModelsResult> {
  const began = performance.now()
  const folder = temporaryFolder()
  const model = await startModelProcess(seed)
  const server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'warn', ...env })
  const { url } = server
  const rss = new RssWatch(server.process.pid!)
  const broken: string[] = []
  try {
    const good = await deployAgents(server, [{ agent_id: 'a', config: { model: 'openai/team-member' } }])
    const kinds = await Promise.all(
      Object.entries(badModelCatalogue).map(async ([kind, bad]) => {
        const { ends, bulky = false, timeout = TIMEOUT } = bad
        await deployBad(url, kind, timeout)
        return { kind, ends, bulky, timeout }
      }),
    )
    await serveHealthy(url, good, broken, wait(500))
    const alone = await serveHealthy(url, good, broken, wait(1_500))
    const rssBefore = rss.peak
    const executeBad = (bulky: boolean): Promise<unknown> => {
      const chosen = kinds.filter((kind) => kind.bulky === bulky)
      const work = Array.from({ length: rounds }, () => chosen).flat()
      const execute = async ({ kind, ends, timeout }: (typeof kinds)[number]): Promise<void> => {
        const problems = await executeAndJudge(url, kind, ends, timeout).catch((error: unknown) => [String(error)])
        broken.push(...problems.map((problem) => `${kind}: ${problem}`))
      }
      return inParallel(work, execute, bulky ? BULKY_AT_ONCE : BAD_AT_ONCE)
    }
    const beside = await serveHealthy(url, good, broken, executeBad(false))
    const besideBulky = await serveHealthy(url, good, broken, executeBad(true))
    const faults = server
      .output()
      .split('\n')
      .filter((line) => /"level":[56]0/.test(line))
    if (server.process.exitCode !== null || server.process.signalCode !== null)
      broken.push(`the server ended: ${server.output().slice(-1_000)}`)
    broken.push(...faults.map((line) => `logged as a fault: ${line.slice(0, 300)}`))
    return {
      torture: 'models',
      seed,
      rounds,
      kinds: kinds.length,
      executions: kinds.length * rounds,
      healthy: beside.length + besideBulky.length,
      aloneMs: percentile(alone, 0.99),
      besideMs: percentile(beside, 0.99),
      besideBulkyMs: percentile(besideBulky, 0.99),
      rssBefore,
      rssPeak: rss.stop(),
      broken: [...new Set(broken)],
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }
  } finally {
    rss.stop()
    await server.kill()
    await model.close()
    removeFolder(folder)
  }
}

async function deployBad(url: string, kind: string, timeout: number): Promise<void> {
  const configuration = {
    agents: [
      { agent_id: 'a', config: { model: `openai/${kind}` } },
      { agent_id: 'b', config: { model: 'openai/team-member' } },
    ],
  }
  const connections = [{ source_agent_id: 'a', target_agent_id: 'b', connection_type: 'default' }]
  const { body } = await call(url, 'POST', '/api/workflows', { name: kind, configuration: { ...configuration, connections } })
  const deploy = { deployment_name: kind, runtime_config: { timeout, max_retries: 1 } }
  await call(url, 'POST', `/api/workflows/${body.workflow_id}/deploy`, deploy)
}

/** Executes the good model with a few clients. @returns milliseconds of each execution */
async function serveHealthy(url: string, deployment_name: string, broken: string[], over: Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  const end = new AbortController()
  const client = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const began = performance.now()
      const { status, body } = await call(url, 'POST', '/api/workflows/execute', { deployment_name, query: 'go' }).catch(noAnswer)
      times.push(performance.now() - began)
      if (status !== 200 || body.response !== 'from b in run 1')
        broken.push(`a healthy execution was answered with ${status} ${body?.code}`)
    }
  }
  const clients = Array.from({ length: HEALTHY_CLIENTS }, client)
  await over
  end.abort()
  await Promise.all(clients)
  return times
}

/** So that it stands among what is broken. */
function noAnswer(error: unknown) {
  return { status: 0, body: { code: String(error) } as Answer['body'] }
}

/** @returns what is wrong with how it ended */
async function executeAndJudge(url: string, deployment_name: string, ends: string, timeout: number): Promise<string[]> {
  const problems: string[] = []
  const expect = (holds: boolean, problem: string): void => void (holds || problems.push(problem))
  const began = performance.now()
  const response = await fetch(`${url}/api/workflows/execute/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ deployment_name, query: 'go' }),
  })
  const events = await readEvents(response)
  const took = performance.now() - began
  expect(took < timeout * 1_000 + SLACK_MS, `it took ${Math.round(took)} ms`)
  const last = events.at(-1)?.data ?? {}
  const ended = last.status === 'error' ? last.code : last.status
  expect(ended === ends, `it ended as ${ended} instead of ${ends}: ${String(last.error).slice(0, 200)}`)
  expect(
    events.every(({ id }, index) => id === index + 1),
    'its events have a gap or a repeat',
  )
  if (last.status === 'completed') expect(remainingText(events) === last.response, 'its stream is not its response')
  if (last.status === 'error') expect(String(last.error).length < 1_000, 'its error is too long to read')
  const { body } = await call(url, 'GET', `/api/executions/${events[0]?.data.execution_id}`)
  expect((body.error?.code ?? body.status) === ended, `it is stored as ${body.error?.code ?? body.status}`)
  if (last.status === 'completed') expect(body.response === last.response, 'another response is stored')
  expect(
    Object.values(body.tokens as Record<string, number>).every((count) => Number.isInteger(count) && count >= 0),
    'its tokens are nonsense',
  )
  return problems
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! * 10) / 10
}
