import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { call, until, type Answer } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { callsByKey } from './effects.ts'
import { inParallel, listExecutions, waitForEnds } from './history.ts'
import { startModelProcess, type ModelProcess } from './model-process.ts'
import { Random } from './random.ts'
import { inspectDatabase } from './inspect.ts'
import { makeSmallDisk, type SmallDisk } from './small-disk.ts'

export interface DiskOptions {
  seed: number
  /** How often a disk is filled. In each second round the server is killed and started again while it is full. */
  rounds: number
  env?: Record<string, string>
}

export interface DiskResult {
  torture: 'disk'
  seed: number
  rounds: number
  /** Why nothing was tortured, on a machine where no small disk can be made. */
  leftOut?: string
  /** Executions that were answered, that were refused for want of room, and that were accepted and had to wait for it. */
  answered: number
  refused: number
  stalled: number
  /** Results of models that came while the disk was full. */
  results: number
  broken: string[]
  seconds: number
}

const MEGABYTES = 8
/** What is left for the load to fill. */
const ROOM = 700_000
/** Executions whose model answers when the disk is full. */
const HELD = 6

/**
 * Fills the disk under a server: nothing that was answered may be lost, what was accepted goes on by itself once there is
 * room again, and the results that came meanwhile are kept.
 */
export async function tortureByFullDisk({ seed, rounds, env = {} }: DiskOptions): Promise<DiskResult> {
  const began = performance.now()
  const random = new Random(seed)
  const model = await startModelProcess(seed)
  const result: DiskResult = { torture: 'disk', seed, rounds, answered: 0, refused: 0, stalled: 0, results: 0, broken: [], seconds: 0 }
  try {
    for (let round = 0; round < rounds; round++) {
      const disk = makeSmallDisk(MEGABYTES)
      if ('reason' in disk) return { ...result, leftOut: disk.reason }
      await new Round(disk, model, random, result, env).play(round % 2 === 1)
    }
    return { ...result, seconds: Math.round((performance.now() - began) / 100) / 10 }
  } finally {
    await model.close()
  }
}

interface Asked {
  query: string
  answer: Answer
}

class Round {
  readonly #disk: SmallDisk
  readonly #model: ModelProcess
  readonly #random: Random
  readonly #result: DiskResult
  readonly #env: Record<string, string>
  readonly #cwd = temporaryFolder()
  readonly #asked: Asked[] = []
  #url = ''
  #queries = 0
  /** How many calls there were before this round. */
  #callsBefore = 0

  constructor(disk: SmallDisk, model: ModelProcess, random: Random, result: DiskResult, env: Record<string, string>) {
    this.#disk = disk
    this.#model = model
    this.#random = random
    this.#result = result
    this.#env = { OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'silent', AGENT_STUDIO_DATA_DIR: join(disk.folder, 'data'), ...env }
  }

  async play(kill: boolean): Promise<void> {
    let server: TestServer | undefined
    try {
      server = await this.#start()
      const names = await this.#deployAll(server)
      const held = await this.#startHeld(names)
      await this.#fill(names)
      await this.#model.release()
      const told = kill ? [] : await Promise.all(held)
      await this.#lookAround(names)
      if (kill) {
        await server.kill()
        await Promise.all(held)
        // Started without any room it may refuse to start, but not harm anything.
        server = (await this.#start().catch(() => undefined)) ?? server
        await wait(this.#random.between(0, 1_500))
      }
      this.#disk.free()
      if (server.process.exitCode !== null || server.process.signalCode !== null) server = await this.#start()
      await this.#judge(names, kill, told)
      this.#expect((await server.stop()) === 0, 'the server did not stop when it was told to')
      this.#result.broken.push(...(await inspectDatabase(join(this.#disk.folder, 'data'))))
    } finally {
      await server?.kill()
      this.#disk.remove()
      removeFolder(this.#cwd)
    }
  }

  async #start(): Promise<TestServer> {
    const server = await startServer(this.#cwd, this.#env)
    this.#url = server.url
    return server
  }

  async #deployAll(server: TestServer): Promise<Names> {
    const one = (model: string) => deployAgents(server, [{ agent_id: 'a', config: { model: `openai/${model}` } }])
    return {
      held: await one('held'),
      team: await deployAgents(server, [
        { agent_id: 'lead', config: { model: 'openai/held-lead' }, calls: ['b'] },
        { agent_id: 'b', config: { model: 'openai/team-member' } },
      ]),
      big: await one('fills-the-disk'),
      small: await one('team-member'),
      stopped: await one('team-member'),
      deleted: await one('team-member'),
    }
  }

  /** @returns what those who wait are told */
  async #startHeld({ held, team }: Names): Promise<Promise<Answer>[]> {
    this.#callsBefore = (await this.#model.calls()).length
    const answers = Array.from({ length: HELD }, (_, index) => this.#execute(index % 2 === 0 ? held : team))
    await until(async () => (await this.#model.calls()).length === this.#callsBefore + HELD, 'the calls that are held')
    // Nothing of them is on its way to the disk any more.
    await wait(50)
    return answers
  }

  /** Until there is no room for the smallest execution any more. */
  async #fill({ big, small }: Names): Promise<void> {
    this.#disk.fill(ROOM)
    for (const name of [big, small]) {
      const client = async (): Promise<void> => {
        for (let refused = 0; refused < 3;) refused = (await this.#execute(name)).status === 507 ? refused + 1 : 0
      }
      await Promise.all(Array.from({ length: 4 }, client))
    }
  }

  async #execute(deployment_name: string): Promise<Answer> {
    const query = `${deployment_name}:${++this.#queries}`
    const body = { deployment_name, query }
    const answer = await call(this.#url, 'POST', '/api/workflows/execute', body).catch(() => killed)
    this.#asked.push({ query, answer })
    return answer
  }

  /** While the disk is full: everything can be read, nothing can be changed, and everybody is told so. */
  async #lookAround(names: Names): Promise<void> {
    for (const path of [
      '/hc',
      '/healthz',
      '/metrics',
      '/api/executions',
      '/api/workflows',
      '/api/workflows/deployments',
      `/api/workflows/deployments/${names.big}`,
    ]) {
      const { status } = await fetch(this.#url + path)
      this.#expect(status === 200, `GET ${path} was answered with ${status}`)
    }
    for (const way of ['', '/async', '/stream']) {
      const { status, body } = await call(this.#url, 'POST', `/api/workflows/execute${way}`, { deployment_name: names.small, query: 'no' })
      this.#expect(status === 507 && body.code === 'storage_full', `execute${way} was answered with ${status} ${body?.code}`)
    }
    const ready = await call(this.#url, 'GET', '/readyz')
    this.#expect(ready.status === 503 && ready.body.code === 'storage_full', `/readyz was answered with ${ready.status}`)
    const { body } = await call(this.#url, 'GET', `/api/workflows/deployments/${names.small}`)
    await this.#tryChange('POST', '/stop', { name: names.stopped, before: 'active', after: 'inactive' })
    await this.#tryChange('DELETE', '', { name: names.deleted, before: 'active', after: 404 })
    await this.#tryDeploy(body.workflow.workflow_id, `${names.small}-new`)
  }

  /** A small change may find room in a log that is written anew; what it is told must be what happened. */
  async #tryChange(method: string, path: string, { name, before, after }: Change): Promise<void> {
    const { status } = await call(this.#url, method, `/api/workflows/deployments/${name}${path}`)
    await this.#expectChange(`${method} ${path}`, status, { name, before, after })
  }

  async #tryDeploy(workflowId: string, name: string): Promise<void> {
    const { status } = await call(this.#url, 'POST', `/api/workflows/${workflowId}/deploy`, { deployment_name: name })
    await this.#expectChange('a deploy', status, { name, before: 404, after: 'active' })
  }

  async #expectChange(what: string, answer: number, { name, before, after }: Change): Promise<void> {
    this.#expect(answer === 507 || answer === 200, `${what} was answered with ${answer}`)
    const { body } = await call(this.#url, 'GET', `/api/workflows/deployments/${name}`)
    const wanted = answer === 507 ? before : after
    this.#expect(body.status === wanted, `after ${answer} to ${what} the deployment is ${body.status} instead of ${wanted}`)
  }

  async #judge(names: Names, kill: boolean, told: readonly Answer[]): Promise<void> {
    this.#expect((await waitForEnds(this.#url, { model: this.#model })) === 0, 'executions do not go on when there is room again')
    const found = new Map<string, Answer['body']>()
    await inParallel(await listExecutions(this.#url), async ({ execution_id }) => {
      const { body } = await call(this.#url, 'GET', `/api/executions/${execution_id}`)
      found.set(body.query, body)
      this.#expect(body.status === 'completed', `${body.query} is ${body.status} (${body.error?.code})`)
    })
    for (const { query, answer } of this.#asked) this.#judgeAnswer(query, answer, found.get(query))
    this.#expect(
      told.every(({ status }) => status === 507 || status === 200),
      'a waiter was told something else',
    )
    this.#result.results += HELD
    const calls = [...callsByKey((await this.#model.calls()).slice(this.#callsBefore)).values()]
    const again = calls.filter((made) => made.length > 1).length
    if (!kill) this.#expect(again === 0, `${again} steps were called again`)
    const { status } = await this.#execute(names.small)
    this.#expect(status === 200, `when there is room again an execution is answered with ${status}`)
    const isReady = async () => (await call(this.#url, 'GET', '/readyz')).status === 200
    this.#expect(await until(isReady, 'readiness').catch(() => false), 'when there is room again the server is not ready')
  }

  #judgeAnswer(query: string, { status, body }: Answer, execution: Answer['body']): void {
    if (status === 200) {
      this.#result.answered++
      this.#expect(execution?.response === body.response, `${query} was answered and is lost`)
    } else if (status === 507 && body.execution_id) {
      this.#result.stalled++
      this.#expect(execution?.execution_id === body.execution_id, `${query} was accepted and is lost`)
    } else if (status === 507) {
      this.#result.refused++
      this.#expect(!execution, `${query} was refused and is there`)
    } else this.#expect(status === 0, `${query} was answered with ${status}`)
  }

  #expect(holds: boolean, problem: string): void {
    if (!holds) this.#result.broken.push(problem)
  }
}

type Names = Record<'held' | 'team' | 'big' | 'small' | 'stopped' | 'deleted', string>

/** The status of a deployment, or of the answer where there is none, before and after something is done to it. */
interface Change {
  name: string
  before: string | number
  after: string | number
}

/** Nobody answered. */
const killed: Answer = { status: 0, headers: new Headers(), body: undefined }
