import { call, readEvents, until, type Answer } from '../support/api.ts'
import { checkLedger } from './check-ledger.ts'
import type { Input, Output } from './deployment-model.ts'
import { waitForEnds } from './history.ts'
import { Ledger, type Asked, type Asking } from './ledger.ts'
import type { Operation } from './linearizable.ts'
import type { CountedCall, ModelProcess } from './model-process.ts'
import { readOutput, send } from './name-client.ts'
import { teamOf } from './team.ts'

const single = (model: string) => ({ agents: [{ agent_id: 'a', config: { model: `openai/${model}` } }] })

const workflows = {
  team: teamOf('team-lead', 'team-member'),
  teller: single('team-member'),
  'slow-teller': single('tells-slowly'),
  retrier: single('fails-twice'),
  holder: single('held'),
  'held-team': teamOf('held-lead', 'team-member'),
  'refused-team': teamOf('team-lead', 'refuses-once'),
}

type WorkflowName = keyof typeof workflows

/** What it is made of, in this order; the whole of it, or some parts for a question of their own. */
export type Part = 'retry' | 'name' | 'key' | 'cancel' | 'freeze' | 'resume' | 'stream'
export const allParts: readonly Part[] = ['retry', 'name', 'key', 'cancel', 'freeze', 'resume', 'stream']

/** How long an abort may take from the server to the model. */
const ABORT_MS = 1_000

/**
 * One client that creates, deploys, executes, retries, streams, cancels, freezes, resumes, stops, redeploys and deletes,
 * one call after the other, on names of its own. What it is told it writes down, so that it can be compared with what a
 * server says that was killed in the middle and started again.
 */
export class Scenario {
  readonly #ledger: Ledger
  readonly #model: ModelProcess
  readonly #parts: readonly Part[]
  #url = ''

  /** @param prefix of all names, which no other scenario on the same database has */
  constructor(prefix: string, model: ModelProcess, parts: readonly Part[] = allParts) {
    this.#ledger = new Ledger(prefix)
    this.#model = model
    this.#parts = parts
  }

  /** @returns whether it came to its end; false when the server was killed meanwhile */
  async play(url: string): Promise<boolean> {
    this.#url = url
    try {
      await this.#playAll()
      return true
    } catch (error) {
      // Fetch says so in several ways, all of them of this type.
      if (error instanceof TypeError) return false
      throw error
    }
  }

  /** Lets everything end on a server that may be another one. @returns what is not as it was promised */
  check(url: string): Promise<string[]> {
    return checkLedger(this.#ledger, this.#model, url)
  }

  async #playAll(): Promise<void> {
    const plays: Record<Part, () => Promise<void>> = {
      retry: () => this.#playRetried(),
      name: () => this.#playName(),
      key: () => this.#playKeyed(),
      cancel: () => this.#playCancelled(),
      freeze: () => this.#playFrozen(),
      resume: () => this.#playResumed(),
      stream: () => this.#playStreamed(),
    }
    for (const part of this.#parts) await plays[part]()
    const left = await waitForEnds(this.#url, { model: this.#model, part: this.#ledger.prefix })
    this.#ledger.expect(left === 0, 'executions do not end')
  }

  /** In the background of all that follows. */
  async #playRetried(): Promise<void> {
    await this.#deploy('retried', 'retrier')
    await this.#executeInBackground('retried')
  }

  async #playName(): Promise<void> {
    await this.#create('team')
    await this.#create('teller')
    await this.#operate({ kind: 'deploy', variant: 0 })
    await this.#operate({ kind: 'execute' })
    await this.#operate({ kind: 'deploy', variant: 1 })
    await this.#operate({ kind: 'execute' })
    await this.#operate({ kind: 'stop' })
    await this.#operate({ kind: 'execute' })
    await this.#operate({ kind: 'reactivate' })
    await this.#delete('main')
    await this.#operate({ kind: 'deploy', variant: 0 })
    await this.#operate({ kind: 'execute' })
  }

  async #playKeyed(): Promise<void> {
    await this.#deploy('keyed', 'team')
    const asked = this.#ledger.ask('keyed')
    asked.key = asked.query
    asked.answer = (await this.#ask(200, 'POST', '/api/workflows/execute', this.#request(asked), { 'idempotency-key': asked.key })).body
  }

  /** One is cancelled by itself, one by a stop, one by a delete. */
  async #playCancelled(): Promise<void> {
    await this.#deploy('held', 'holder')
    const cancelled = await this.#executeInBackground('held')
    await this.#calls(cancelled)
    cancelled.cancel = {}
    const { body } = await this.#ask(200, 'POST', `/api/executions/${cancelled.answer.execution_id}/cancel`)
    cancelled.cancel.answer = body
    await this.#expectAbort(cancelled)
    const stopped = await this.#executeInBackground('held')
    await this.#calls(stopped)
    stopped.cancel = {}
    await this.#ask(200, 'POST', `/api/workflows/deployments/${this.#ledger.name('held')}/stop`, { mode: 'cancel' })
    stopped.cancel.answer = (await this.#ask(200, 'GET', `/api/executions/${stopped.answer.execution_id}`)).body
    await this.#expectAbort(stopped)
    await this.#ask(200, 'POST', `/api/workflows/deployments/${this.#ledger.name('held')}/reactivate`)
    await this.#executeInBackground('held')
    await this.#delete('held')
  }

  async #playFrozen(): Promise<void> {
    await this.#deploy('frozen', 'held-team')
    const asked = await this.#executeInBackground('frozen')
    const path = `/api/workflows/deployments/${this.#ledger.name('frozen')}`
    const before = await this.#calls(asked)
    await this.#ask(200, 'POST', `${path}/stop`, { mode: 'freeze' })
    asked.frozenAt = before.length
    await this.#model.release()
    const isResting = async () => (await this.#ask(200, 'GET', `/api/executions/${asked.answer.execution_id}`)).body.status === 'waiting'
    await until(isResting, 'the rest of a frozen execution')
    this.#ledger.expect((await this.#calls(asked)).length === asked.frozenAt, 'a frozen execution went on')
    delete asked.frozenAt
    await this.#ask(200, 'POST', `${path}/reactivate`)
  }

  async #playResumed(): Promise<void> {
    await this.#deploy('resumed', 'refused-team')
    const asked = this.#ledger.ask('resumed')
    const { body } = await this.#ask(502, 'POST', '/api/workflows/execute', this.#request(asked))
    const { execution_id } = body
    asked.answer = { execution_id }
    asked.resume = {}
    asked.resume.answer = (await this.#ask(202, 'POST', `/api/executions/${execution_id}/resume`)).body
    const hasEnded = async () => (await this.#ask(200, 'GET', `/api/executions/${execution_id}`)).body.ended_at !== null
    await until(hasEnded, 'the end of a resumed execution')
    asked.removal = {}
    asked.removal.answer = (await this.#ask(200, 'DELETE', `/api/executions/${execution_id}`)).body
  }

  async #create(name: WorkflowName): Promise<void> {
    if (this.#ledger.workflows.has(name)) return
    const created: Asking = {}
    this.#ledger.workflows.set(name, created)
    const body = { name: this.#ledger.name(name), configuration: workflows[name] }
    created.answer = (await this.#ask(200, 'POST', '/api/workflows', body)).body
  }

  async #deploy(name: string, workflow: WorkflowName): Promise<void> {
    await this.#create(workflow)
    await this.#ask(200, 'POST', `/api/workflows/${this.#workflowId(workflow)}/deploy`, { deployment_name: this.#ledger.name(name) })
  }

  #workflowId(name: WorkflowName): string {
    return this.#ledger.workflows.get(name)!.answer.workflow_id
  }

  /** One of the changes of the main name that the checker of histories knows, or an execution of it. */
  async #operate(input: Input): Promise<void> {
    const operation: Operation<Input, Output> = { input, output: undefined, invokedAt: performance.now(), returnedAt: Infinity }
    this.#ledger.history.push(operation)
    const asked = input.kind === 'execute' ? this.#ledger.ask('main') : undefined
    const name = this.#ledger.name('main')
    const answer = await send(this.#url, name, [this.#workflowId('team'), this.#workflowId('teller')], input, asked?.query)
    if (asked && answer.status === 200) asked.answer = answer.body
    operation.returnedAt = performance.now()
    operation.output = readOutput(answer, name, input)
  }

  async #executeInBackground(name: string): Promise<Asked> {
    const asked = this.#ledger.ask(name)
    asked.answer = (await this.#ask(202, 'POST', '/api/workflows/execute/async', this.#request(asked))).body
    return asked
  }

  #request({ name, query }: Asked): object {
    return { deployment_name: this.#ledger.name(name), query }
  }

  async #playStreamed(): Promise<void> {
    await this.#deploy('streamed', 'slow-teller')
    const asked = this.#ledger.ask('streamed')
    const response = await fetch(`${this.#url}/api/workflows/execute/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.#request(asked)),
    })
    await readEvents(response, (event) => {
      asked.answer ??= { execution_id: event.data.execution_id }
      this.#ledger.streamed.push(event)
      return false
    })
  }

  async #delete(name: string): Promise<void> {
    const deletion = { name, era: this.#ledger.eraOf(name), answered: false }
    this.#ledger.deletions.push(deletion)
    if (name === 'main') await this.#operate({ kind: 'delete' })
    else await this.#ask(200, 'DELETE', `/api/workflows/deployments/${this.#ledger.name(name)}`)
    deletion.answered = true
  }

  /** Resolves when the execution has called a model. @returns its calls */
  async #calls({ answer }: Asked): Promise<CountedCall[]> {
    return until(async () => {
      const calls = (await this.#model.calls()).filter(({ key }) => key.startsWith(answer.execution_id))
      // Nobody is called by a server that is dead.
      if (calls.length === 0) await this.#ask(200, 'GET', '/hc')
      return calls.length > 0 && calls
    }, 'a call')
  }

  /** A cancel that was answered is true: the call is aborted, which the model sees as soon as it is told. */
  async #expectAbort(asked: Asked): Promise<void> {
    const isOpen = async () => (await this.#calls(asked)).some(({ state }) => state === 'open')
    const aborted = await until(async () => !(await isOpen()), 'an abort', ABORT_MS).catch((error: unknown) => {
      if (error instanceof TypeError) throw error
    })
    this.#ledger.expect(aborted === true, 'a cancel was answered before the call of the model was aborted')
  }

  /** @throws TypeError when the server is gone */
  async #ask(status: number, method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
    const answer = await call(this.#url, method, path, body, headers)
    if (answer.status !== status) throw new Error(`${method} ${path} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer
  }
}
