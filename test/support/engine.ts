import { randomUUIDv7 } from 'node:crypto'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../src/clock.ts'
import { deployRelease } from '../../src/deployments/release-repository.ts'
import { selectDeployments, type DeploymentRecord } from '../../src/deployments/repository.ts'
import type { AdmissionRequest, Dispatcher } from '../../src/engine/dispatcher.ts'
import { decodeEvents } from '../../src/engine/event-codec.ts'
import { EventHub } from '../../src/engine/event-hub.ts'
import { InProcessDispatcher } from '../../src/engine/in-process-dispatcher.ts'
import type { AdmittedExecution, Journal, RuntimeConfig } from '../../src/engine/journal.ts'
import { silentMeter, type Meter } from '../../src/engine/meter.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import { RECORD_LIMITS, type RecordLimits } from '../../src/engine/record-limits.ts'
import { SqliteJournal } from '../../src/engine/sqlite/sqlite-journal.ts'
import type { Definition } from '../../src/graph/definition.ts'
import type { Outside } from '../../src/graph/step-kind.ts'
import { canonicalForm, sha256 } from '../../src/graph/digest.ts'
import type { ModelAnswer, ModelRequest, Models } from '../../src/models/model.ts'
import { openDatabaseFile } from '../../src/store/sqlite/database-file.ts'
import { nothingToHide, type Masks } from '../../src/secrets/secrets.ts'
import type { Store } from '../../src/store/store.ts'
import type { ExecutionRow, StepRow } from '../../src/store/tables.ts'
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { newWorkflow } from '../../src/workflows/new-workflow.ts'
import { createWorkflow } from '../../src/workflows/repository.ts'
import { removeFolder, temporaryFolder } from './server.ts'

/** A model in memory: each call is answered by the next function, the last one for ever. */
export type Reply = (request: ModelRequest) => Promise<Partial<ModelAnswer>> | Partial<ModelAnswer>

export class FakeModels implements Models {
  readonly default = 'fake/model'
  readonly requests: ModelRequest[] = []
  replies: Reply[] = [() => ({ text: 'yes' })]

  resolve(name: string) {
    return { model: name, provider: 'fake', demo: name.startsWith('demo/') }
  }

  async call(request: ModelRequest): Promise<ModelAnswer> {
    this.requests.push(request)
    const reply = this.replies.length > 1 ? this.replies.shift()! : this.replies[0]!
    const answer = await reply(request)
    if (answer.text && !answer.calls) request.onText(answer.text)
    return { text: '', calls: [], tokens: { input: 1, output: 2, total: 3 }, finish_reason: 'stop', ...answer }
  }
}

/** Short, so that tests can wait for longer. Milliseconds. */
export const REST_FROM_MS = 300

/** An engine with what it needs around it, as the conformance suite wants it. */
export interface EngineUnderTest {
  readonly models: FakeModels
  readonly hub: EventHub
  readonly meter: Meter
  /** Errors that are not in the catalogue. */
  readonly faults: unknown[]
  readonly store: Store
  readonly journal: Journal
  readonly dispatcher: Dispatcher
  clock: Clock
  /** Of every environment. */
  variables: Record<string, string>
  outside: Outside
  /** How much an execution may record. */
  readonly most: RecordLimits
  /** Lets go of the database without a word to whatever runs, as a crash would. */
  die(): Promise<void>
  /** As a new process would. @param limit executions at a time */
  open(limit?: number): Promise<void>
  /** Both. */
  crash(limit?: number): Promise<void>
  /** @returns the deployment's id */
  deploy(name: string, definition: Partial<Definition>, runtime_config?: Partial<RuntimeConfig>): Promise<string>
  admit(name: string, overrides?: Partial<AdmissionRequest>): Promise<AdmittedExecution>
  run(name: string): Promise<{ execution: AdmittedExecution; outcome: Outcome }>
  execution(executionId: string): Promise<ExecutionRow>
  steps(executionId: string): Promise<TestStep[]>
  events(executionId: string): Promise<{ id: number; type: string; [key: string]: unknown }[]>
  deployment(deploymentId: string): Promise<DeploymentRecord>
  close(): Promise<void>
}

export type TestStep = Omit<StepRow, 'attempts'> & { attempts: { number: number; error?: { code: string } }[] }

/** The embedded engine on a database of its own. */
export class TestEngine implements EngineUnderTest {
  readonly folder = temporaryFolder()
  readonly models = new FakeModels()
  readonly hub = new EventHub()
  readonly meter: Meter = { ...silentMeter }
  readonly faults: unknown[] = []
  clock: Clock = systemClock
  variables: Record<string, string> = {}
  masks: Masks = nothingToHide
  readonly most: RecordLimits = { ...RECORD_LIMITS }
  outside: Outside = {
    outgoing: { request: () => Promise.reject(new Error('there is no way out')) },
    sandbox: { run: () => Promise.reject(new Error('there is no sandbox')) },
    secrets: { resolveAll: async () => ({}), of: () => undefined },
  }
  store!: SqliteStore
  journal!: SqliteJournal
  dispatcher!: InProcessDispatcher
  #release: () => void = () => undefined
  #life = 0

  static async start(): Promise<TestEngine> {
    const engine = new TestEngine()
    await engine.open()
    return engine
  }

  async open(limit?: number): Promise<void> {
    const { file, release } = await openDatabaseFile(join(this.folder, 'data'))
    this.#release = release
    this.store = new SqliteStore({
      file,
      writer: new URL('../../src/writer.ts', import.meta.url),
      onFault: (cause) => this.faults.push(cause),
      onFatal: (cause) => this.faults.push(cause),
    })
    this.journal = new SqliteJournal(this.store)
    const { journal, hub, meter, models, clock } = this
    const life = ++this.#life
    // What a process that is dead would not have come to any more.
    const onFault = (error: unknown): void => void (life === this.#life && this.faults.push(error))
    this.dispatcher = new InProcessDispatcher(
      {
        journal,
        hub,
        models,
        clock,
        meter,
        restFromMs: REST_FROM_MS,
        most: this.most,
        onFault,
        masks: this.masks,
        variables: async () => this.variables,
        outside: this.outside,
      },
      limit,
    )
  }

  async die(): Promise<void> {
    this.#life++
    await this.store.close()
    this.#release()
  }

  async crash(limit?: number): Promise<void> {
    await this.die()
    await this.open(limit)
  }

  async deploy(name: string, definition: Partial<Definition>, runtime_config: Partial<RuntimeConfig> = {}): Promise<string> {
    const now = this.clock.now()
    const workflow = newWorkflow({ name: `${name} ${randomUUIDv7()}`, configuration: {} }, randomUUIDv7(), now)
    await this.store.write(createWorkflow, workflow)
    const canonical = canonicalForm({ agents: [], connections: [], ...definition })
    const deployed = await this.store.write(deployRelease, {
      name,
      environment: 'production',
      deployed_by: null,
      runtime_config,
      force: false,
      workflow,
      definition_digest: sha256(canonical),
      definition: canonical,
      new_deployment_id: randomUUIDv7(),
      now,
    })
    return deployed.record.deployment_id
  }

  admission(name: string): AdmissionRequest {
    return {
      execution_id: this.clock.id(),
      target: { deployment_name: name },
      environments: ['development', 'production'],
      request: { query: 'what?', chat_history: [] },
      runtime_overrides: {},
      session_id: null,
      user_id: null,
      api_key_id: null,
      now: this.clock.now(),
    }
  }

  admit(name: string, overrides: Partial<AdmissionRequest> = {}): Promise<AdmittedExecution> {
    return this.dispatcher.admit({ ...this.admission(name), ...overrides })
  }

  async run(name: string) {
    const execution = await this.admit(name)
    return { execution, outcome: await this.dispatcher.start(execution) }
  }

  execution(executionId: string) {
    return this.store.read.selectFrom('executions').selectAll().where('execution_id', '=', executionId).executeTakeFirstOrThrow()
  }

  async steps(executionId: string): Promise<TestStep[]> {
    const rows = await this.store.read.selectFrom('steps').selectAll().where('execution_id', '=', executionId).orderBy('position').execute()
    return rows.map((row) => ({ ...row, attempts: JSON.parse(row.attempts) }))
  }

  async events(executionId: string) {
    const rows = await this.store.read
      .selectFrom('events')
      .selectAll()
      .where('execution_id', '=', executionId)
      .orderBy('first_id')
      .execute()
    return rows.flatMap(decodeEvents)
  }

  deployment(deploymentId: string) {
    return selectDeployments(this.store.read).where('d.deployment_id', '=', deploymentId).executeTakeFirstOrThrow()
  }

  async close(): Promise<void> {
    await this.dispatcher.drain(0)
    await this.store.close()
    this.#release()
    removeFolder(this.folder)
  }
}

/** A definition of agents, each connected to those that its `calls` name. */
export function agents(...nodes: { id: string; model?: string; calls?: string[]; max_retries?: number }[]): Definition {
  return {
    agents: nodes.map(({ id, model = 'fake/model', max_retries }) => ({
      agent_id: id,
      config: { model, ...(max_retries !== undefined && { max_retries }) },
    })),
    connections: nodes.flatMap(({ id, calls = [] }) =>
      calls.map((target) => ({ source_agent_id: id, target_agent_id: target, connection_type: 'default' })),
    ),
  }
}
