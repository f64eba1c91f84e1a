import { call, readEvents, remainingText, until, type Answer, type StreamedEvent } from '../support/api.ts'
import { RETRY_AFTER_MS } from './behaviours.ts'
import { deploymentModel, type Input } from './deployment-model.ts'
import { callsByKey, judgeEffects, noEffects } from './effects.ts'
import { inParallel, listDeployments, listExecutions, waitForEnds } from './history.ts'
import type { Asked, Ledger } from './ledger.ts'
import { isLinearizable } from './linearizable.ts'
import type { CountedCall, ModelProcess } from './model-process.ts'
import { readOutput, send } from './name-client.ts'

/**
 * Compares what a client was told with what a server says now. What was answered is there, what was not happened as a
 * whole or not at all, and everything comes to its end.
 * @returns what is not so
 */
export async function checkLedger(ledger: Ledger, model: ModelProcess, url: string): Promise<string[]> {
  await new LedgerCheck(ledger, model, url).run()
  return ledger.problems
}

class LedgerCheck {
  readonly #ledger: Ledger
  readonly #model: ModelProcess
  readonly #url: string

  constructor(ledger: Ledger, model: ModelProcess, url: string) {
    this.#ledger = ledger
    this.#model = model
    this.#url = url
  }

  async run(): Promise<void> {
    await this.#thaw()
    await this.#repeatKeyed()
    await this.#resumeStream()
    this.#expect((await waitForEnds(this.#url, { model: this.#model, part: this.#ledger.prefix })) === 0, 'executions do not end')
    await this.#checkWorkflows()
    await this.#checkExecutions()
    await this.#checkCounters()
    await this.#checkName()
  }

  /** What was frozen rests, also in this process, until it is asked to go on. */
  async #thaw(): Promise<void> {
    const frozen = this.#ledger.asked.find(({ name }) => name === 'frozen')
    if (!frozen?.answer) return
    const { execution_id } = frozen.answer
    const path = `/api/workflows/deployments/${this.#ledger.name('frozen')}`
    if (frozen.frozenAt !== undefined) {
      const { status } = await until(async () => {
        // So that one which goes on comes to its end.
        await this.#model.release()
        const { body } = await this.#call('GET', `/api/executions/${execution_id}`)
        return body.status !== 'running' && body
      }, 'a frozen execution to rest')
      this.#expect(status === 'waiting', `a frozen execution is ${status}`)
      const calls = (await this.#model.calls()).filter(({ key }) => key.startsWith(execution_id))
      this.#expect(calls.length === frozen.frozenAt, `a frozen execution called ${calls.length - frozen.frozenAt} more models`)
    }
    const { body } = await this.#call('GET', path)
    if (body.status === 'inactive') await this.#call('POST', `${path}/reactivate`)
  }

  /** Sent again, a request with a key has happened once. */
  async #repeatKeyed(): Promise<void> {
    for (const asked of this.#ledger.asked) {
      if (asked.key === undefined) continue
      const body = { deployment_name: this.#ledger.name(asked.name), query: asked.query }
      const again = await until(async () => {
        const answer = await this.#call('POST', '/api/workflows/execute', body, { 'idempotency-key': asked.key! })
        return answer.status !== 409 && answer
      }, 'the answer to a request that was repeated')
      if (asked.answer) this.#expect(again.body?.response === asked.answer.response, `${asked.query}, repeated, got another answer`)
      else if (again.status === 200) asked.answer = again.body
    }
  }

  async #resumeStream(): Promise<void> {
    const { streamed } = this.#ledger
    const last = streamed.at(-1)
    if (!last || last.data.status === 'completed') return
    const headers = { 'last-event-id': String(last.id) }
    const response = await fetch(`${this.#url}/api/executions/${last.data.execution_id}/events`, { headers })
    // Its deployment may have been deleted.
    if (response.status !== 200) return
    await readEvents(response, (event) => {
      streamed.push(event)
      return false
    })
  }

  async #checkWorkflows(): Promise<void> {
    const all = await this.#listWorkflows()
    for (const [name, { answer }] of this.#ledger.workflows) {
      const found = all.filter((one) => one.name === this.#ledger.name(name))
      if (answer) this.#expect(found[0]?.workflow_id === answer.workflow_id, `the workflow ${name} was answered and is lost`)
      this.#expect(found.length <= 1, `there are ${found.length} workflows ${name}`)
    }
  }

  async #listWorkflows(): Promise<{ name: string; workflow_id: string }[]> {
    const found: { name: string; workflow_id: string }[] = []
    for (let page = [{}]; page.length > 0; found.push(...(page as typeof found)))
      page = (await this.#call('GET', `/api/workflows?limit=500&skip=${found.length}`)).body
    return found
  }

  async #checkExecutions(): Promise<void> {
    const found = new Map<string, Answer['body']>()
    for (const name of this.#ledger.names) {
      await inParallel(await listExecutions(this.#url, `deployment_name=${this.#ledger.name(name)}`), async ({ execution_id }) => {
        const { body } = await this.#call('GET', `/api/executions/${execution_id}`)
        this.#expect(!found.has(body.query), `${body.query} was executed twice`)
        found.set(body.query, body)
      })
    }
    const calls = callsByKey(await this.#model.calls())
    for (const asked of this.#ledger.asked) {
      const execution = found.get(asked.query)
      this.#checkPresence(asked, execution !== undefined, found)
      if (!execution) continue
      this.#checkEnd(asked, execution)
      await this.#checkEffects(asked, execution.execution_id, calls)
      await this.#checkEvents(execution)
    }
  }

  /** Answered is there; deleted is gone; and a delete without an answer took all with it, or nothing. */
  #checkPresence(asked: Asked, isFound: boolean, found: ReadonlyMap<string, unknown>): void {
    const isSame = ({ name, era }: { name: string; era: number }): boolean => name === asked.name && era === asked.era
    const deletion = this.#ledger.deletions.find(isSame)
    if (deletion?.answered) return this.#expect(!isFound, `${asked.query} is there although its deployment was deleted`)
    if (deletion) {
      const answered = this.#ledger.asked.filter((one) => one.answer && isSame(one))
      const there = answered.filter(({ query }) => found.has(query)).length
      return this.#expect(there === 0 || there === answered.length, `a delete of ${asked.name} was done by half`)
    }
    if (asked.removal?.answer) return this.#expect(!isFound, `${asked.query} is there although it was deleted`)
    if (!asked.removal) this.#expect(isFound || !asked.answer, `${asked.query} was answered and is lost`)
  }

  #checkEnd(asked: Asked, execution: Answer['body']): void {
    const { status, error } = execution
    const wanted = wantedEnds(asked)
    this.#expect(wanted.includes(status), `${asked.query} ended as ${status} (${error?.code}) instead of ${wanted.join(' or ')}`)
    const told = asked.answer?.response
    this.#expect(told === undefined || told === execution.response, `${asked.query} was answered with another response than is stored`)
    const cancelledAt = asked.cancel?.answer?.ended_at ?? execution.ended_at
    this.#expect(cancelledAt === execution.ended_at, `${asked.query} ended again after its cancel was answered`)
  }

  async #checkEffects({ name, query }: Asked, executionId: string, calls: ReadonlyMap<string, CountedCall[]>): Promise<void> {
    const effects = noEffects()
    const expected = (stepId: string): number => (name === 'retried' ? 3 : name === 'resumed' && stepId.includes('/b#') ? 2 : 1)
    await judgeEffects(this.#url, executionId, calls, effects, { expected, retryAfterMs: RETRY_AFTER_MS })
    const { repeated, excessive, hasty } = effects
    this.#expect(repeated + excessive + hasty === 0, `${query} had the effects ${JSON.stringify(effects)}`)
  }

  async #checkEvents({ execution_id, query, status, response }: Answer['body']): Promise<void> {
    const events = await readEvents(await fetch(`${this.#url}/api/executions/${execution_id}/events`))
    this.#expect(
      events.every(({ id }, index) => id === index + 1),
      `the events of ${query} have a gap or a repeat`,
    )
    const last = events.at(-1)?.data
    this.#expect(last?.status === (status === 'completed' ? 'completed' : 'error'), `the events of ${query} have no end`)
    if (status === 'completed') this.#expect(remainingText(events) === response, `the events of ${query} are not its response`)
    const { streamed } = this.#ledger
    if (execution_id !== streamed[0]?.data.execution_id) return
    const same = JSON.stringify(events.map(asSent)) === JSON.stringify(streamed.map(asSent))
    this.#expect(same, `the stream of ${query}, joined, is not what is stored`)
  }

  /** The counters of each deployment say what its executions say, and those that were deleted by themselves. */
  async #checkCounters(): Promise<void> {
    for (const deployment of await listDeployments(this.#url, `${this.#ledger.prefix}-`)) {
      const { deployment_name, deployment_id, execution_count, error_count } = deployment
      const listed = await listExecutions(this.#url, `deployment_name=${deployment_name}`)
      const own = listed.filter((one) => one.deployment_id === deployment_id)
      // What was deleted by itself stays in the statistics, whether the delete was answered or not.
      const isResumed = deployment_name === this.#ledger.name('resumed')
      const failed = own.filter(({ status }) => status === 'failed').length
      const wanted = isResumed
        ? Math.max(own.length, this.#ledger.asked.filter(({ name, removal }) => name === 'resumed' && removal).length)
        : own.length
      this.#expect(
        execution_count === wanted && error_count === failed,
        `${deployment_name} counts ${execution_count} executions and ${error_count} errors, but has ${wanted} and ${failed}`,
      )
    }
  }

  /** Whatever was not answered happened at some time, or never: an order must explain all answers, also those from now on. */
  async #checkName(): Promise<void> {
    const { history } = this.#ledger
    if (history.length === 0) return
    const name = this.#ledger.name('main')
    for (const kind of ['list', 'execute', 'stop', 'execute'] as const) {
      const input: Input = { kind }
      const invokedAt = performance.now()
      const answer = await send(this.#url, name, [], input)
      history.push({ input, invokedAt, returnedAt: performance.now(), output: readOutput(answer, name, input) })
    }
    this.#expect(isLinearizable(history, deploymentModel), `no order explains ${JSON.stringify(history)}`)
  }

  #call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return call(this.#url, method, path, body, headers)
  }

  #expect(holds: boolean, problem: string): void {
    this.#ledger.expect(holds, problem)
  }
}

/** In which states an execution may be when nothing goes on any more. */
function wantedEnds({ name, cancel, resume }: Asked): string[] {
  if (cancel) return cancel.answer ? ['cancelled'] : ['cancelled', 'completed']
  if (name === 'resumed') return resume?.answer ? ['completed'] : ['completed', 'failed']
  return ['completed']
}

/** Without the time at which it came in. */
function asSent({ id, data }: StreamedEvent) {
  return { id, data }
}
