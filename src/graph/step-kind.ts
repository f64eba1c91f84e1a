import type { Outgoing } from '../outgoing/outgoing.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Masks, Secrets } from '../secrets/secrets.ts'
import type { LocalServers } from '../tools/mcp/local-servers.ts'
import type { Scope } from './scope.ts'

/** What templates in fields that take secrets are filled in with besides. */
export interface WithSecrets {
  secrets: Readonly<Record<string, string>>
}

/** A text in which templates are filled in. */
export interface Text {
  readonly secretNames: readonly string[]
  render(scope: Scope, options?: WithSecrets): string
}

/** Any JSON value, in which strings may be templates. */
export interface Mapping {
  readonly secretNames: readonly string[]
  apply(scope: Scope, options?: WithSecrets): unknown
}

export interface Condition {
  evaluate(scope: Scope): boolean
}

/**
 * What a kind of step compiles its config with. Problems are gathered, so that a deploy names all of them; a place whose
 * template is wrong gets a stand-in. Pointers are into the config: `/cases/0/when`.
 */
export interface StepCompiler {
  text(value: string, pointer: string): Text
  mapping(value: unknown, pointer: string): Mapping
  condition(value: string, pointer: string): Condition
  problem(pointer: string, code: string, message: string): void
  /** The step reads whatever comes before it, in a way that no template says. */
  readsAll(withVariables: boolean): void
}

/** What a step that reaches outside of the engine, or takes its time, is given. */
export interface Attempt {
  scope: Scope
  /** 1 for the first. */
  number: number
  /** Aborted when the execution is cancelled, times out, or its process stops. */
  signal: AbortSignal
  /** The same for every attempt of the step, also after a crash. */
  idempotencyKey: string
  environment: string
  outside: Outside
  /** Adds an event to the execution's stream. */
  emit(event: { type: string; [data: string]: unknown }): void
}

/** What steps reach beyond the engine. */
export interface Outside {
  /** The one way to other servers. */
  outgoing: Pick<Outgoing, 'request'>
  sandbox: Pick<Sandbox, 'run'>
  /** MCP servers that are programs of this machine. */
  localServers?: LocalServers
  /** The values of secrets, for the moment of their use; and what hides them in a text that is cut. @throws SecretMissing, SecretUnreadable */
  secrets: Pick<Secrets, 'resolveAll'> & Pick<Masks, 'of'>
}

/** How one step of a workflow runs, compiled from its config; immutable. */
export type StepProgram =
  /** Computes at once, from nothing but its scope. */
  | { type: 'compute'; run: (scope: Scope) => unknown; ways?: WaysOut }
  /** May take long. `pure`: it changes nothing outside, so nothing must be on disk before it. */
  | { type: 'work'; pure?: boolean; input?: (scope: Scope) => unknown; maxRetries?: number; run: (attempt: Attempt) => Promise<unknown> }
  /** Runs what stands in its body once for each item. */
  | { type: 'map'; items: (scope: Scope) => unknown; concurrency: number; itemName: string; keepsGoing: boolean }
  /** Runs its body until the condition holds, at most so often. */
  | { type: 'loop'; until: Condition; limit: number }
  /** Runs the flow of another workflow, which sees nothing of this one but these. */
  | { type: 'workflow'; query: (scope: Scope) => string; input: (scope: Scope) => unknown }
  /** Waits for a time or a signal, which does not count towards the timeout, and makes its output of what came. */
  | {
      type: 'wait'
      wait: (scope: Scope, stepId: string) => { ms?: number; name?: string }
      /** What it waits for, as it is recorded; fails where that cannot be said. */
      input?: (scope: Scope) => unknown
      settle: (signal: ReceivedSignal | undefined, scope: Scope) => unknown
      ways?: WaysOut
    }

/** Connections may leave a step by the name of a way out, as their `source_handle`. */
export interface WaysOut {
  names: readonly string[]
  /** Which one is taken; `only`: connections without a name are not followed then, or not where one has this name. */
  of: (output: never) => { name: string; only?: boolean | 'if connected' }
}

/** What was sent from outside. */
export interface ReceivedSignal {
  payload: unknown
  /** Milliseconds since 1970. */
  sent_at: number
  sent_by: string | null
}

/** Which step is compiled. */
export interface CompiledStep {
  id: string
  name: string
  /** The nodes that lead to it. */
  before: readonly string[]
}

/**
 * One kind of step: a folder under `src/nodes`. Its schema is JSON Schema of the config, which also makes the editor's form and
 * the documentation.
 */
export interface StepKind {
  kind: string
  /** For people, such as `HTTP request`. */
  title: string
  description: string
  schema: Readonly<Record<string, unknown>>
  /** Called with a config that the schema allows. */
  compile: (config: never, compiler: StepCompiler, step: CompiledStep) => StepProgram
}

export type StepKinds = ReadonlyMap<string, StepKind>

/** Names that definitions made for other servers use, and what they mean here. */
export const LEGACY_KINDS: Readonly<Record<string, string>> = {
  data_input: 'transform',
  trigger: 'transform',
  transformation: 'transform',
  data_processing: 'transform',
  validation: 'transform',
  aggregation: 'transform',
  parallel_execution: 'transform',
  batch_processing: 'map',
  conditional_branch: 'branch',
  notification: 'notify',
  data_output: 'output',
  agent_execution: 'agent',
}
