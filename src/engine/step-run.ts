import { ExecutionTooLarge, LoopLimit, SchemaMismatch, StepInputInvalid, StudioError } from '../errors.ts'
import type { Flow, PlannedUnit } from '../graph/plan.ts'
import { GIVEN, type Scope } from '../graph/scope.ts'
import type { StepProgram } from '../graph/step-kind.ts'
import type { NodeContext, Wait } from './node-context.ts'

/** What the steps of one flow run in. */
export interface StepRunOptions {
  scope: Scope
  /** What stands before the ids of its steps in the journal. */
  path: string
  context: NodeContext
  /** Runs a flow within a step. */
  runFlow: (flow: Flow, scope: Scope, path: string) => Promise<EndedFlow>
}

export interface EndedFlow {
  /** Of a body: what leads back to its container. */
  readonly result: unknown
  /** Of a workflow: what it answers with. */
  readonly answerValue: unknown
}

/** A step as it is recorded. */
interface Named {
  id: string
  kind: string
  name: string
}

type Program<Type extends StepProgram['type']> = Extract<StepProgram, { type: Type }>

/** Not a cancel, a timeout, the end of the process or of what may be recorded: those are nobody's to handle. */
export function isStepFailure(error: unknown, { isStopped }: NodeContext): error is StudioError {
  return error instanceof StudioError && !(error instanceof ExecutionTooLarge) && !isStopped
}

/** Runs the steps of a flow, each as its program says. */
export class StepRun {
  readonly #scope: Scope
  readonly #path: string
  readonly #context: NodeContext
  readonly #runFlow: StepRunOptions['runFlow']

  constructor({ scope, path, context, runFlow }: StepRunOptions) {
    this.#scope = scope
    this.#path = path
    this.#context = context
    this.#runFlow = runFlow
  }

  /** @returns the output; a promise of it unless it is there at once */
  run(unit: PlannedUnit): unknown {
    const { kind, name } = unit
    const program = unit.program!
    const step = { id: `${this.#path}${unit.stepId}`, kind, name }
    const check = (output: unknown): unknown => checkOutput(unit, output)
    switch (program.type) {
      case 'compute':
        return this.#context.compute({ ...step, input: undefined }, () => check(program.run(this.#scope)))
      case 'work':
        return this.#work(program, step, unit, check)
      case 'wait':
        return this.#wait(program, step, check)
      case 'map':
        return this.#contain(step, check, () => this.#map(program, step, unit))
      case 'loop':
        return this.#contain(step, check, () => this.#loop(program, step, unit))
      case 'workflow':
        return this.#contain(step, check, () => this.#runOther(program, step, unit))
    }
  }

  #work(program: Program<'work'>, step: Named, { sees }: PlannedUnit, check: (output: unknown) => unknown): Promise<unknown> {
    const { environment, outside } = this.#context
    const { pure = false, maxRetries } = program
    const scope = sees ? { ...this.#scope, steps: this.#pick(sees()) } : this.#scope
    const emit = (event: { type: string }): void => this.#context.emit({ ...event, step_id: step.id })
    const spec = { ...step, input: inputOf(program, scope), pure, maxRetries }
    return this.#context.step(spec, async ({ number, signal, idempotencyKey }) => ({
      output: check(await program.run({ scope, environment, outside, emit, number, signal, idempotencyKey })),
    }))
  }

  #wait(program: Program<'wait'>, step: Named, check: (output: unknown) => unknown): Promise<unknown> {
    const scope = this.#scope
    const begin = (): Wait => {
      program.input?.(scope)
      return program.wait(scope, step.id)
    }
    const settle: Parameters<NodeContext['wait']>[2] = (signal) => check(program.settle(signal, scope))
    return this.#context.wait({ ...step, input: inputOf(program, scope) }, begin, settle)
  }

  /** A step within which others run. */
  #contain(step: Named, check: (output: unknown) => unknown, run: () => Promise<unknown>): Promise<unknown> {
    return this.#context.step({ ...step, input: undefined, container: true }, async () => ({ output: check(await run()) }))
  }

  async #map(program: Program<'map'>, { id }: Named, unit: PlannedUnit): Promise<unknown[]> {
    const items = program.items(this.#scope)
    if (!Array.isArray(items)) throw new StepInputInvalid({ step_id: id, what: `'items' must give a list` })
    const runBody = this.#bodyOf(unit)
    const results: unknown[] = Array(items.length)
    let next = 0
    let failure: { error: unknown } | undefined
    const worker = async (): Promise<void> => {
      while (next < items.length) {
        const index = next++
        const item = items[index] as unknown
        const names = { [program.itemName]: item, index, [GIVEN]: item }
        results[index] = await runBody(names, `${id}[${index}]/`).catch((error: unknown) => {
          if (program.keepsGoing && isStepFailure(error, this.#context)) {
            this.#context.handle(`${id}[${index}]`)
            return null
          }
          // No further items; those that are at work end before the step does, since somebody may go on from its failure.
          next = items.length
          failure ??= { error }
          this.#context.endWaits(`${id}[`)
        })
      }
    }
    await Promise.all(Array.from({ length: Math.min(program.concurrency, items.length) }, worker))
    if (failure) throw failure.error
    return results
  }

  async #loop({ limit, until }: Program<'loop'>, { id }: Named, unit: PlannedUnit): Promise<unknown> {
    const runBody = this.#bodyOf(unit)
    let previous: unknown = null
    for (let iteration = 0; iteration < limit; iteration++) {
      const names = { iteration, previous, ...(iteration > 0 && { [GIVEN]: previous }) }
      previous = await runBody(names, `${id}[${iteration}]/`)
      if (until.evaluate({ ...this.#scope, iteration, previous })) return previous
    }
    throw new LoopLimit({ step_id: id, limit })
  }

  /** A body reads of the nodes around it what its templates name, or whatever comes before it, and adds nothing to them. */
  #bodyOf({ body, sees }: PlannedUnit): (names: Record<string, unknown>, path: string) => Promise<unknown> {
    const around = this.#pick([...body!.reads, ...(body!.readsAll ? sees!() : [])])
    return async (names, path) => {
      const { result } = await this.#runFlow(body!, { ...this.#scope, ...names, steps: { ...around } }, path)
      return result
    }
  }

  async #runOther(program: Program<'workflow'>, { id }: Named, { body, inputSchema }: PlannedUnit): Promise<unknown> {
    const { variables, now, execution, chat_history } = this.#scope
    const query = program.query(this.#scope)
    const input = program.input(this.#scope) ?? null
    const errors = inputSchema?.check(input) ?? []
    if (errors.length > 0) throw new SchemaMismatch({ what: `The input of the workflow that step '${id}' runs`, errors })
    const { answerValue } = await this.#runFlow(body!, { query, input, variables, now, execution, chat_history, steps: {} }, `${id}/`)
    return answerValue
  }

  #pick(ids: readonly string[]): Scope['steps'] {
    const steps: Scope['steps'] = {}
    for (const id of ids) if (Object.hasOwn(this.#scope.steps, id)) steps[id] = this.#scope.steps[id]!
    return steps
  }
}

/** A template that fails does so once more when the step runs, which then is what failed. */
function inputOf({ input }: Program<'work' | 'wait'>, scope: Scope): unknown {
  try {
    return input?.(scope)
  } catch {
    return undefined
  }
}

/** @throws SchemaMismatch */
function checkOutput({ id, outputSchema }: PlannedUnit, output: unknown): unknown {
  const errors = outputSchema?.check(output ?? null) ?? []
  if (errors.length > 0) throw new SchemaMismatch({ what: `The output of step '${id}'`, errors })
  return output
}
