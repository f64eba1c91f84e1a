import type { Outside } from '../graph/step-kind.ts'
import type { Entry, Signal } from './journal.ts'
import type { Usage } from './usage.ts'
import type { ModelAnswer, ModelRequest, Tokens } from '../models/model.ts'

export interface StepSpec {
  /** The same in every slice of the execution: made of the node's id and where in its work it is. */
  id: string
  /** `model`, `agent`, `tool`, or the kind of a step of the workflow. */
  kind: string
  name: string
  input: unknown
  model?: string
  /** The model is one of a server whose prices are not those of its name. */
  unpriced?: boolean
  /** The node's own limit; the lower of it and the runtime configuration's counts. */
  maxRetries?: number | undefined
  /** Steps within steps: it holds others, which are recorded and retried by themselves. */
  container?: boolean
  /** It changes nothing outside, so that nothing must be on disk before it. */
  pure?: boolean
  /** It only waits: its one attempt goes on in the next slice. */
  waits?: boolean
}

export interface AttemptContext {
  /** 1 for the first attempt ever, also counting those that a crash interrupted. */
  number: number
  /** No retry would follow a failure. */
  isLast: boolean
  signal: AbortSignal
  /** The same for every attempt of the step, also after a crash. */
  idempotencyKey: string
  /** Appends to the answer that the execution streams. */
  answer(text: string): void
}

export interface StepResult {
  output: unknown
  tokens?: Tokens
}

/** What a step waits for: whichever comes first. */
export interface Wait {
  ms?: number
  /** Of a signal. */
  name?: string
}

/** What a node sees of the engine. */
export interface NodeContext {
  readonly environment: string
  readonly outside: Outside
  /** What the execution has used so far. */
  readonly usage: Usage
  /** The execution ends or leaves this process: what fails now has not failed by itself. */
  readonly isStopped: boolean
  /**
   * Runs `work` at least once and records its result once; a recorded result is given again without running it.
   * A failure is retried unless it says otherwise.
   */
  step<Output>(spec: StepSpec, work: (attempt: AttemptContext) => Promise<StepResult & { output: Output }>): Promise<Output>
  /**
   * The same for what is computed at once and from what is recorded alone: it costs a hundredth, is never retried, and gives
   * its result at once unless the execution is frozen or was recovered.
   */
  compute<Output>(spec: StepSpec, work: () => Output): Output | Promise<Output>
  /**
   * A step that waits for a time or a signal, also over restarts; it does not count towards the timeout.
   * @param wait must give the same every time @param settle makes the output, of nothing when the time has come first
   */
  wait<Output>(spec: StepSpec, wait: () => Wait, settle: (signal: Signal | undefined) => Output): Promise<Output>
  /** Begins an execution of its own, once, and records that as a step; nobody waits for it. */
  begin(spec: StepSpec, entry: () => Entry): void
  /**
   * Whether an agent's text goes into the stream as it comes: as it was in earlier slices, where it has said something.
   * @param path of the agent @param wanted where it has said nothing so far
   */
  streamsAnswer(path: string, wanted: boolean): boolean
  /**
   * What failed under this id is dealt with, since another way is taken for it: when the execution is resumed, it is not tried again.
   * @param id of a node, or of an item
   */
  handle(id: string): void
  /**
   * What has steps whose ids begin so has failed, and nobody goes on from it before all of them have ended: those that only
   * wait end now.
   */
  endWaits(begin: string): void
  /** Undefined, or what to wait for so that others have their turn: steps that compute do not wait for anything by themselves. */
  breathe(): Promise<void> | undefined
  /** Streams what a node adds to the answer when all is done. */
  respond(stepId: string, text: string): void
  callModel(request: ModelRequest): Promise<ModelAnswer>
  /** The variables of the execution's environment, as they are now. */
  variables(): Promise<Readonly<Record<string, string>>>
  emit(event: { type: string; [data: string]: unknown }): void
}
