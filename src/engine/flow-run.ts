import { StudioError } from '../errors.ts'
import type { PlannedNotice } from '../graph/notifications.ts'
import type { Flow, PlannedEdge, PlannedUnit } from '../graph/plan.ts'
import type { NodeResult, Scope } from '../graph/scope.ts'
import type { WaysOut } from '../graph/step-kind.ts'
import { runAgentNode } from '../nodes/agent/run-agent.ts'
import { locate } from './locate.ts'
import type { Entry } from './journal.ts'
import type { NodeContext } from './node-context.ts'
import { isStepFailure, StepRun } from './step-run.ts'

/** What a unit ended with. */
interface Settled extends NodeResult {
  /** The way out that is followed, of those that have a name. */
  handle?: string
  /** Ways without a name are not followed. */
  isOnlyWay?: boolean
  /** Of a group of agents, the one that had the last word. */
  endedIn?: string
}

const SKIPPED: Settled = { status: 'skipped', output: null }

export interface FlowOptions {
  /** What stands before the ids of its steps in the journal. */
  path: string
  /** Whether what the last agent says is the answer that the execution streams. */
  answers: boolean
  /** Of a notification: the nodes that it begins with, and those before it that led there. */
  led?: Entry['led']
}

/**
 * One run of a flow: each unit runs as soon as every edge to it is decided and one of them was followed; when none was, it is
 * skipped, and so are those behind it. What is decided follows from recorded results alone, so that it is decided the same way
 * after a crash.
 */
export class FlowRun {
  readonly scope: Scope
  readonly #flow: Flow
  readonly #context: NodeContext
  readonly #options: FlowOptions
  readonly #steps: StepRun
  readonly #undecided: number[]
  readonly #reached: boolean[]
  readonly #settled: (Settled | undefined)[]
  /** The units that led to each, by edges that were followed. */
  readonly #sources: number[][]
  /** Of a body, the units that led back to its container. */
  readonly #returned = new Set<number>()
  /** Of agents that hand over to each other, by the place of their unit, the one that has the word. */
  readonly #speakers = new Map<number, string>()
  /** Of each notification: how many connections to it are undecided, and which nodes those that were followed led to, from where. */
  readonly #notices: { undecided: number; led: Record<string, string[]>; isReached: boolean }[]
  /** Units with all edges decided, in this order. */
  readonly #ready: number[] = []
  #next = 0
  /** Units and delays under way. */
  #active = 0
  #isDraining = false
  #hasFailed = false
  #error: unknown
  /** What has streamed the answer, and that. */
  #streamed: { index: number; text: string } | undefined
  readonly #end = Promise.withResolvers<void>()

  /** @param scope is written to: each unit's result is added to its `steps` */
  constructor(flow: Flow, scope: Scope, context: NodeContext, options: FlowOptions) {
    this.#flow = flow
    this.scope = scope
    this.#context = context
    this.#options = options
    this.#steps = new StepRun({
      scope,
      path: options.path,
      context,
      runFlow: async (inner, innerScope, path) => {
        const run = new FlowRun(inner, innerScope, context, { path, answers: false })
        await run.run()
        return run
      },
    })
    this.#undecided = flow.units.map((unit) => unit.incoming)
    const { led } = options
    this.#reached = flow.units.map(({ id, incoming }) => (led ? Object.hasOwn(led, id) : incoming === 0))
    this.#notices = flow.notifications.map(({ incoming }) => ({ undecided: incoming, led: {}, isReached: false }))
    this.#settled = flow.units.map(() => undefined)
    this.#sources = flow.units.map(() => [])
    for (const [index, unit] of flow.units.entries()) if (unit.incoming === 0) this.#ready.push(index)
  }

  /** Resolves when all of it has ended. @throws what a unit failed with that fails the whole */
  run(): Promise<void> {
    void this.#drain()
    return this.#end.promise
  }

  /** What the flow gives: one unit's output, or those of several by their ids; null when none of them ran. */
  get result(): unknown {
    const { units, results } = this.#flow
    const gives = (index: number): boolean =>
      units[index]!.returns.length > 0 ? this.#returned.has(index) : this.#settled[index]?.status === 'completed'
    const completed = results.filter(gives)
    if (completed.length === 0) return null
    if (completed.length === 1) return this.#settled[completed[0]!]!.output
    return Object.fromEntries(completed.map((index) => [this.#flow.units[index]!.id, this.#settled[index]!.output]))
  }

  /** What the flow answers with, as a value: one node's output, or those of several by their ids. */
  get answerValue(): unknown {
    const answering = this.#answering()
    if (answering.length === 0) return null
    if (answering.length === 1) return this.#settled[answering[0]!]!.output
    return Object.fromEntries(answering.map((index) => [this.#flow.units[index]!.id, this.#settled[index]!.output]))
  }

  /** Its outputs, or where it has none that ran, where it ended. */
  #answering(): number[] {
    const { units, sinks } = this.#flow
    const completed = (indexes: readonly number[]): number[] => indexes.filter((index) => this.#settled[index]?.status === 'completed')
    const outputs = completed(units.flatMap(({ kind }, index) => (kind === 'output' ? [index] : [])))
    return outputs.length > 0 ? outputs : completed(sinks)
  }

  /** The text that the execution answers with. What was not streamed is streamed now. */
  answer(): string {
    const { units } = this.#flow
    const answering = this.#answering()
    if (answering.length === 1 && answering[0] === this.#streamed?.index) return this.#streamed!.text
    const texts = answering.map((index) => toText(this.#settled[index]!.output)).filter((text) => text !== '')
    const text = texts.join('\n\n')
    const last = answering.at(-1)
    if (last !== undefined) this.#context.respond(`${this.#options.path}${units[last]!.stepId}`, text)
    return text
  }

  async #drain(): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      while (this.#next < this.#ready.length && !this.#hasFailed) {
        this.#begin(this.#ready[this.#next++]!)
        const turn = this.#context.breathe()
        if (turn) await turn
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#isDraining = false
    this.#endIfIdle()
  }

  /** The first failure counts. Within a body what is under way ends before, since somebody may go on from the failure. */
  #fail(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#error = error
    if (this.#options.answers) this.#end.reject(error as Error)
    else this.#context.endWaits(this.#options.path)
  }

  #endIfIdle(): void {
    if (this.#active > 0 || this.#isDraining) return
    if (this.#hasFailed) this.#end.reject(this.#error as Error)
    else this.#end.resolve()
  }

  #begin(index: number): void {
    const unit = this.#flow.units[index]!
    if (!this.#reached[index]) return this.#settle(index, SKIPPED)
    let result: Settled | Promise<Settled>
    try {
      result = this.#run(unit, index)
    } catch (error) {
      return this.#settleFailed(index, error)
    }
    if (result instanceof Promise)
      this.#track(
        result.then(
          (settled) => this.#settle(index, settled),
          (error: unknown) => this.#settleFailed(index, error),
        ),
      )
    else this.#settle(index, result)
  }

  /** @param work settles units, and with them makes others ready */
  #track(work: Promise<void>): void {
    this.#active++
    void work
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        this.#active--
        return this.#drain()
      })
  }

  #settle(index: number, settled: Settled): void {
    const unit = this.#flow.units[index]!
    this.#settled[index] = settled
    this.scope.steps[unit.id] = settled
    if (settled.endedIn !== undefined && settled.endedIn !== unit.id) this.scope.steps[settled.endedIn] = settled
    if (unit.returns.some((edge) => isFollowed(edge, settled) && this.#holds(index, edge))) this.#returned.add(index)
    for (const edge of unit.edges) this.#decide(index, edge, settled)
    for (const notice of unit.notices) this.#heed(index, notice, settled)
  }

  /** What a notification leads to begins when all that leads there is decided; what that gives or fails of is nothing of this flow's. */
  #heed(from: number, { to, target, edge }: PlannedNotice, settled: Settled): void {
    const notice = this.#notices[to]!
    if (isFollowed(edge, settled) && this.#holds(from, edge)) {
      notice.isReached = true
      const led = (notice.led[target] ??= [])
      const { id } = this.#flow.units[from]!
      if (this.#isGiving(from) && !led.includes(id)) led.push(id)
    }
    if (--notice.undecided > 0 || !notice.isReached) return
    const { id, stepId, name, reads } = this.#flow.notifications[to]!
    const spec = { id: `${this.#options.path}${stepId}`, kind: 'notification', name, input: undefined }
    const { variables, now, execution } = this.scope
    this.#context.begin(spec, () => {
      const steps = this.#resultsOf([...Object.values(notice.led).flat(), ...reads()])
      return { notification: id, led: notice.led, scope: { variables, now, execution, steps } }
    })
  }

  #resultsOf(ids: readonly string[]): Scope['steps'] {
    const known = [...new Set(ids)].filter((id) => Object.hasOwn(this.scope.steps, id))
    return Object.fromEntries(
      known.map((id) => {
        const { status, output } = this.scope.steps[id]!
        return [id, { status, output }]
      }),
    )
  }

  /** What a notification, or a step with an `error` edge, fails of does not fail the execution. */
  #settleFailed(index: number, error: unknown): void {
    const unit = this.#flow.units[index]!
    if (!isStepFailure(error, this.#context)) throw error
    const output = { error: { code: error.code, message: error.message } }
    const failed: Settled = { status: 'failed', output, handle: 'error', endedIn: this.#speakers.get(index) ?? unit.id }
    const isHandled = unit.handlesError && [...waysOf(unit), ...unit.returns].some((edge) => isFollowed(edge, failed))
    if (!isHandled && !unit.failsAlone) throw error
    this.#context.handle(`${this.#options.path}${unit.stepId}`)
    this.#settle(index, failed)
  }

  #decide(from: number, edge: PlannedEdge, settled: Settled): void {
    const follows = isFollowed(edge, settled) && this.#holds(from, edge)
    if (follows && !this.#sources[edge.to]!.includes(from)) this.#sources[edge.to]!.push(from)
    if (follows && edge.delay) {
      const { delayId, delay, to } = edge
      const id = `${this.#options.path}${delayId!}`
      this.#track(
        this.#context
          .wait(
            { id, kind: 'delay', name: 'Delay', input: { seconds: delay / 1_000 } },
            () => ({ ms: delay }),
            () => null,
          )
          .then(() => this.#resolve(to, true)),
      )
    } else this.#resolve(edge.to, follows)
  }

  /** Behind a notification nothing fails the execution: where that cannot be said, the connection is not followed. */
  #holds(from: number, { condition, stepId }: PlannedEdge): boolean {
    if (!condition) return true
    try {
      return condition.evaluate(this.scope)
    } catch (error) {
      if (this.#flow.units[from]!.failsAlone && isStepFailure(error, this.#context)) return false
      throw error instanceof StudioError ? locate(error, `${this.#options.path}${stepId}`) : error
    }
  }

  #resolve(to: number, follows: boolean): void {
    if (follows) this.#reached[to] = true
    if (--this.#undecided[to]! === 0) this.#ready.push(to)
  }

  #run(unit: PlannedUnit, index: number): Settled | Promise<Settled> {
    if (unit.agent) return this.#runAgent(unit, index)
    const output = this.#steps.run(unit)
    const ways = 'ways' in unit.program! ? unit.program.ways : undefined
    if (output instanceof Promise) return output.then((value: unknown) => toSettled(unit, value, ways))
    return toSettled(unit, output, ways)
  }

  async #runAgent(unit: PlannedUnit, index: number): Promise<Settled> {
    const path = `${this.#options.path}${unit.stepId}`
    const leads = this.#options.answers && this.#context.streamsAnswer(path, this.#isOnlyAnswer(index))
    const onHandoff = (agent: string): void => void this.#speakers.set(index, agent)
    const task = { path, leads, scope: this.scope, before: this.#before(index), onHandoff }
    const { output, text, agent } = await runAgentNode(unit.agent!, task, this.#context)
    if (leads) this.#streamed = { index, text }
    return { status: 'completed', output, endedIn: agent }
  }

  /** The outputs of the nodes that led here; which way a node was left is none. */
  #before(index: number): { id: string; output: unknown }[] {
    const { units } = this.#flow
    const led = this.#options.led?.[units[index]!.id] ?? []
    const sources = this.#sources[index]!.toSorted((a, b) => a - b).filter((from) => this.#isGiving(from))
    return [...led, ...sources.map((from) => units[from]!.id)].map((id) => ({ id, output: this.scope.steps[id]!.output }))
  }

  #isGiving(index: number): boolean {
    const { program } = this.#flow.units[index]!
    return this.#settled[index]!.status === 'completed' && !(program && 'ways' in program)
  }

  /** Nothing else can become a part of the answer, as far as is decided by now. */
  #isOnlyAnswer(index: number): boolean {
    const { units, sinks } = this.#flow
    const isOut = (other: number): boolean => this.#settled[other]?.status === 'skipped'
    // What fails after it has said something is taken back by nobody.
    if (!sinks.includes(index) || units[index]!.handlesError) return false
    return sinks.every((other) => other === index || isOut(other)) && units.every(({ kind }, other) => kind !== 'output' || isOut(other))
  }
}

function isFollowed({ handle, source, endedIn }: PlannedEdge, settled: Settled): boolean {
  if (settled.status === 'skipped') return false
  if (endedIn !== undefined && (settled.endedIn ?? source) !== endedIn) return false
  if (settled.status === 'failed') return handle === 'error'
  return handle === null ? !settled.isOnlyWay : handle === settled.handle
}

/** All connections that leave it for nodes beside it. */
function waysOf({ edges, notices }: PlannedUnit): PlannedEdge[] {
  return notices.length === 0 ? edges : [...edges, ...notices.map(({ edge }) => edge)]
}

function toSettled(unit: PlannedUnit, output: unknown, ways: WaysOut | undefined): Settled {
  const settled: Settled = { status: 'completed', output: output ?? null }
  if (!ways) return settled
  const { name, only = false } = ways.of(output as never)
  return { ...settled, handle: name, isOnlyWay: only === 'if connected' ? waysOf(unit).some(({ handle }) => handle === name) : only }
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '' : JSON.stringify(value)
}
