import type { SerializedError } from '../errors.ts'
import type { Memory } from './conversation.ts'
import type { Tokens } from '../models/model.ts'
import type { RateLimit, RateState } from '../limits/rate.ts'
import type { Claim } from '../store/claim.ts'
import type { Scope } from '../graph/scope.ts'
import type { EventsRow, ExecutionRow, StepRow } from '../store/tables.ts'
import type { Budget, BudgetUse, DayUsage } from './budget.ts'

/** `timeout` in seconds for the whole execution, `max_retries` for each step. */
export interface RuntimeConfig {
  timeout: number
  max_retries: number
  /** Of the deployment, not of one execution; absent: as many as there is room for. */
  concurrency?: Concurrency
  /** How many executions the deployment takes; absent: all. */
  rate_limit?: RateLimit
  /** What its executions see of their conversations; absent: the default. */
  memory?: Memory
  /** What its model calls may use. */
  budget?: Budget
  /** Who is told of executions that fail. */
  on_failure?: FailureReceiver
}

export interface Concurrency {
  /** Executions of one deployment that run at a time. */
  limit: number
  /** Executions that may wait for that; what comes beyond them is refused. */
  queue: number
}

/** A webhook: where it goes and what signs it. Both may be, and the secret is, references `{{ secrets.NAME }}`. */
export interface FailureReceiver {
  url: string
  secret: string
}

/** What a request may set otherwise for its execution. */
export type RuntimeOverrides = Partial<Pick<RuntimeConfig, 'timeout' | 'max_retries'>>

/** What an execution was asked; recorded with it, so that a later process can go on. */
export interface ExecutionRequest {
  query: string
  chat_history: { role: 'user' | 'assistant' | 'system'; content: string }[]
  input?: unknown
}

export type AdmissionTarget = { deployment_name: string; workflow_id?: string } | { workflow_id: string }

/** A workflow as it is being edited. */
export interface Draft {
  workflow_id: string
  /** What the definition was made from. */
  revision: number
  definition_digest: string
  /** In its RFC 8785 form. */
  definition: string
  runtime_config: RuntimeConfig
}

export type AskedRoute = { release: number } | { tag: string }

export interface Admission {
  execution_id: string
  /** Runs this, in the first of the environments, and no release of any deployment. */
  draft?: Draft
  target: AdmissionTarget
  /** Where to look, in this order; the first that has an active deployment takes the execution. */
  environments: readonly string[]
  /** Of deployments that a workflow leads to, only those of such names, with `*` for any characters. Absent: whatever they are called. */
  deployment_pattern?: string
  /** The release or tag that it asks for; absent: as the traffic is divided. */
  route?: AskedRoute
  request: ExecutionRequest
  /** The same as JSON text, where it was made before. */
  request_json?: string
  runtime_overrides: RuntimeOverrides
  session_id: string | null
  user_id: string | null
  /** The API key that it is started with; null where none is needed. */
  api_key_id: string | null
  /** `queued` when there is no room to run it at once; where its deployment has none, it becomes that. */
  status: 'queued' | 'running'
  now: number
  /** Where the same request may be sent again: it is recorded with the execution, so that there is never a second one. */
  claim?: Claim
}

/** Which execution it is, and what it runs. */
export type ExecutionIdentity = Pick<
  ExecutionRow,
  'execution_id' | 'deployment_id' | 'deployment_name' | 'environment' | 'workflow_id' | 'release_number' | 'definition_digest'
>

/** An execution as its slices see it: it stays on this release until it ends. */
export interface AdmittedExecution extends ExecutionIdentity {
  /** The API key that it was started with; null where none was needed. */
  api_key_id: string | null
  runtime_config: RuntimeConfig
  request: ExecutionRequest
  created_at: number
  status: 'queued' | 'running'
  /** How it stands with the rate limit of its deployment, where there is one and it was just admitted. */
  rate?: RateState
  /** 0: it waits for its turn in a conversation; 1: it has it. Null where it is part of none. */
  session_turn: 0 | 1 | null
  /** Where a notification has begun it. */
  entry?: Entry
}

/** What an execution runs that a notification has begun, and what it goes on from, as it was then. */
export interface Entry {
  /** Of the notification. */
  notification: string
  /** Of the nodes that it leads to, those that it begins with, with the nodes that led there and have given something. */
  led: Readonly<Record<string, readonly string[]>>
  scope: Pick<Scope, 'variables' | 'steps' | 'now' | 'execution'>
}

/** An execution that is begun by another one. */
export interface Child {
  execution_id: string
  created_at: number
  entry: Entry
}

/** What the slices before left of an execution. */
export interface History {
  /** What they used of the timeout. */
  active_ms: number
  last_event_id: number
  steps: StepRow[]
  events: RecordedEvent[]
  /** Characters of the steps and events. */
  recorded: number
  /** Whether the last of them ended with its process, and without a word. */
  crashed: boolean
  /** The time that it rested until, which has come whatever the wall clock says; 0 when it did not. */
  rested_until: number
}

/** An execution that a slice goes on with. */
export interface TakenUp {
  execution: AdmittedExecution
  history: History
}

/** `recovery` of what an earlier process left; `due`: the time that it rested until has come; `wake`: something else has. */
export type TakeUpReason = 'recovery' | 'due' | 'wake'

/** An execution that goes on when there is room for it. */
export interface Pending {
  execution_id: string
  deployment_id: string
  /** Of its request, as it is stored. */
  bytes: number
}

/** One that a process before this one left. */
export interface Unfinished extends Pending {
  /** Its slice had begun, so it has a place already. */
  begun: boolean
}

/** Why an execution cannot be taken up now. `full`: as many of its deployment run as may; `behind`: it is the turn of others in its conversation. */
export type Obstacle = 'full' | 'behind'

/** What the journal says of an execution that has not ended; `running` also when its slice is only about to begin. */
export interface Standing extends Omit<Pending, 'execution_id'> {
  frozen: boolean
  status: 'queued' | 'running' | 'waiting'
}

/** An execution leaves the memory. */
export interface Rest {
  execution_id: string
  active_ms: number
  /** `waiting` until it is woken; `queued` when the process ends and a later one goes on. */
  status: 'waiting' | 'queued'
  /** When it goes on by itself; null: when it is told to. */
  wake_at: number | null
  /** What it waits for is the end of a freeze. */
  frozen: boolean
  /** How much of `active_ms` is of the wait that begins now. */
  booked_ms: number
  /** What it waits for from outside: by name, the first signal that it has not had. */
  awaits: readonly { name: string; seq: number }[]
}

/** What was sent to an execution from outside. Those of one name are numbered from 1. */
export interface Signal {
  seq: number
  payload: unknown
  sent_at: number
  sent_by: string | null
}

/** Of whoever writes, for a disk that is full: what there is no room for waits until there is, or until it is given up. */
export interface Patience {
  /** Told when it begins to wait, with what makes it give up, and without that when the wait is over. */
  onWait: (giveUp: AbortController | undefined) => void
}

export interface Attempt {
  number: number
  started_at: number
  ended_at: number | null
  error?: AttemptError
  /** When it failed and is retried: not before this time, also in a later process. */
  retry_at?: number
  /** Set on the last attempt before its execution was resumed: what was tried until then does not count any more. */
  resumed?: true
  /** Another way was taken for this failure, which a resume leaves as it is. */
  handled?: true
  /** Of a wait: the name of the signal that it ended by. */
  signalled?: string
  /** Of the first attempt on record: one before it may have begun that a crash left no trace of. */
  presumed_crash?: true
}

export interface AttemptError extends SerializedError {
  message: string
}

/** An event without what is the same for all events of its execution. `at` is in milliseconds since 1970. */
export interface RecordedEvent {
  id: number
  at: number
  type: string
  [data: string]: unknown
}

/** How a slice ends its execution. A cancel is no slice's to write. */
export interface ExecutionEnd {
  status: 'completed' | 'failed'
  at: number
  response: string | null
  error: AttemptError | null
  tokens: Tokens
  demo: boolean
  last_event_id: number
}

/** Written as a whole or not at all. */
export interface JournalEntry {
  execution_id: string
  /** The newest state of each step; replaces what was recorded of it. */
  steps: StepRow[]
  events: EventsRow | null
  /** What the steps have used that are recorded here for the first time, where their deployment has a budget for the day. */
  usage?: DayUsage
  /** What is begun with what is recorded here. */
  children?: readonly Child[]
  end?: ExecutionEnd
}

/**
 * What is written of executions. The engine's promises P1 to P3 and P5 rest on it: what it has resolved is on disk.
 */
export interface Journal {
  /** Whether results wait for room on a full disk, so that no execution is admitted. */
  readonly isFull: boolean
  /**
   * Decides in one transaction whether there is an active deployment, and on which release the execution runs.
   * @throws DeploymentNotFound, DeploymentInactive, WorkflowNotDeployed, ReleaseNotRouted, TagNotRouted, DeploymentRateLimited, DeploymentBusy,
   *   DeploymentBudgetUsed, ConversationBusy, WorkflowChanged of a draft, IdempotencyKeyReused, IdempotencyInProgress
   */
  admit(admission: Admission): Promise<AdmittedExecution>
  /**
   * False, and nothing is written, when the execution has ended already: an execution ends once. On a full disk it waits
   * for room and keeps what it was given, and no execution is admitted meanwhile.
   * @throws StorageFull only when nobody wants it written any more
   */
  append(entry: JournalEntry, patience: Patience): Promise<boolean>
  /**
   * Lets an execution rest. `awake`: what it waits for, the end of a freeze or a signal, has come meanwhile, so it does not rest.
   * On a full disk it waits like `append`.
   */
  rest(rest: Rest, patience: Patience): Promise<'resting' | 'awake' | 'ended'>
  /** The executions that are neither ended nor resting, oldest first. */
  unfinished(): Unfinished[]
  /**
   * Begins a new slice and gives what is recorded; undefined when it has ended, or is frozen. Where there is an obstacle it is
   * queued.
   */
  takeUp(execution_id: string, why: TakeUpReason, now: number): Promise<TakenUp | Obstacle | undefined>
  /** Whose turn it is in the conversation of an execution that has ended; undefined where nobody waits for that. */
  nextInConversation(execution_id: string): string | undefined
  /** Undefined where none was sent by that name and number. */
  signal(execution_id: string, name: string, seq: number): Signal | undefined
  /** Undefined when it has ended. */
  standing(execution_id: string): Standing | undefined
  /** The resting executions whose time comes no later than this. */
  due(at: number): Pending[]
  /** The earliest time after this one at which a resting execution goes on. */
  nextWake(after: number): number | undefined
  /** Of the release that a deployment routes to; undefined where it has no limit, or is gone. */
  concurrency(deployment_id: string): Concurrency | undefined
  /** What is recorded of a deployment with a budget for the day. */
  usedOn(deployment_id: string, day: number): BudgetUse
  /** The definition that a release runs, as JSON text. */
  definition(definition_digest: string): string | undefined
}
