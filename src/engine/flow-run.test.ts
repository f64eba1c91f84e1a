import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePlan } from '../graph/plan.ts'
import { resolveDefinition } from '../graph/resolve.ts'
import type { Scope } from '../graph/scope.ts'
import { stepKinds } from '../nodes/kinds.ts'
import { FlowRun } from './flow-run.ts'
import type { NodeContext, StepSpec } from './node-context.ts'
import { takeTurn } from './turn.ts'

/** Runs steps as the engine does, in an order that the seed decides, and keeps what they gave. */
class Recorder implements NodeContext {
  readonly environment = 'production'
  readonly isStopped = false
  readonly outside = {} as NodeContext['outside']
  readonly order: string[] = []
  readonly recorded: Map<string, unknown>
  readonly #delays: () => number

  /** @param recorded what an earlier process had recorded, which is given again */
  constructor(delays: () => number, recorded = new Map<string, unknown>()) {
    this.#delays = delays
    this.recorded = recorded
  }

  compute<Output>({ id }: StepSpec, work: () => Output): Output | Promise<Output> {
    const delay = this.#delays()
    const run = (): Output => {
      if (this.recorded.has(id)) return this.recorded.get(id) as Output
      this.order.push(id)
      const output = work()
      this.recorded.set(id, output)
      return output
    }
    return delay === 0 ? run() : new Promise((resolve) => setImmediate(resolve)).then(run)
  }

  step(): never {
    throw new Error('there are only steps that compute')
  }
  wait = this.step
  callModel = this.step
  variables = this.step
  readonly usage = {} as NodeContext['usage']
  streamsAnswer(_path: string, wanted: boolean): boolean {
    return wanted
  }

  begin(): void {}
  endWaits(): void {}
  handle(): void {}

  breathe(): Promise<void> | undefined {
    return takeTurn()
  }

  respond(): void {}
  emit(): void {}
}

interface Shape {
  size: number
  edges: { from: number; to: number; holds: boolean | undefined }[]
}

/** Only forward, so without a cycle. `holds`: what a condition gives; undefined for none. */
const shapes: fc.Arbitrary<Shape> = fc.integer({ min: 1, max: 14 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    edges: fc
      .array(
        fc.record({
          a: fc.nat({ max: size - 1 }),
          b: fc.nat({ max: size - 1 }),
          holds: fc.constantFrom(true, false, undefined),
        }),
        { maxLength: 40 },
      )
      .map((pairs) => pairs.flatMap(({ a, b, holds }) => (a === b ? [] : [{ from: Math.min(a, b), to: Math.max(a, b), holds }]))),
  }),
)

function planOf({ size, edges }: Shape) {
  const configuration = {
    steps: Array.from({ length: size }, (_, index) => ({ step_id: `n${index}`, step_type: 'transform', config: { mapping: index } })),
    connections: edges.map(({ from, to, holds }) => ({
      source_step_id: `n${from}`,
      target_step_id: `n${to}`,
      ...(holds !== undefined && {
        connection_type: 'conditional',
        conditions: { expression: `steps.n${from}.output ${holds ? '==' : '!='} ${from}` },
      }),
    })),
  }
  const { definition, problems } = resolveDefinition(configuration, {
    agents: [],
    defaultModel: 'demo/echo',
    resolveModel: () => undefined,
    kinds: stepKinds,
  })
  expect(problems).toEqual([])
  return compilePlan(definition, stepKinds)
}

/** Which nodes run: those without a source, and those that a node that runs leads to. */
function expected({ size, edges }: Shape): Set<string> {
  const running = new Set<number>()
  for (let node = 0; node < size; node++) {
    const incoming = edges.filter(({ to }) => to === node)
    if (incoming.length === 0 || incoming.some(({ from, holds }) => holds !== false && running.has(from))) running.add(node)
  }
  return new Set([...running].map((node) => `n${node}`))
}

const scope = (): Scope => ({ input: null, query: '', chat_history: [], variables: {}, steps: {}, now: '', execution: {} })

async function run(shape: Shape, recorder: Recorder): Promise<Scope> {
  const flow = new FlowRun(planOf(shape).flow, scope(), recorder, { path: '', answers: true })
  await flow.run()
  flow.answer()
  return flow.scope
}

const delays = (bits: number[]): (() => number) => {
  let at = 0
  return () => bits[at++ % bits.length]!
}

describe('any valid graph', () => {
  it('ends, runs what is reached and nothing else, each after all that leads to it', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.array(fc.constantFrom(0, 1), { minLength: 1 }), async (shape, bits) => {
        const recorder = new Recorder(delays(bits))
        const { steps } = await run(shape, recorder)
        const runs = expected(shape)
        expect(new Set(recorder.order)).toEqual(runs)
        expect(recorder.order).toHaveLength(runs.size)
        for (let node = 0; node < shape.size; node++) {
          expect(steps[`n${node}`]!.status).toBe(runs.has(`n${node}`) ? 'completed' : 'skipped')
        }
        for (const { from, to } of shape.edges) {
          if (!runs.has(`n${from}`) || !runs.has(`n${to}`)) continue
          expect(recorder.order.indexOf(`n${from}`)).toBeLessThan(recorder.order.indexOf(`n${to}`))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('skips the same after a crash, and runs nothing again that is recorded', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(), async (shape, cut) => {
        const first = new Recorder(() => 0)
        await run(shape, first)
        const kept = first.order.slice(0, cut % (first.order.length + 1))
        const second = new Recorder(() => 1, new Map(kept.map((id) => [id, first.recorded.get(id)])))
        const { steps } = await run(shape, second)
        expect([...kept, ...second.order].toSorted()).toEqual(first.order.toSorted())
        const runs = expected(shape)
        for (const [id, { status }] of Object.entries(steps)) expect(status).toBe(runs.has(id) ? 'completed' : 'skipped')
      }),
      { numRuns: 300 },
    )
  })

  it.each(['chain', 'fan-out'])(
    'runs as a %s of 10,000 nodes without overflowing the stack, and leaves others their turn',
    async (shape) => {
      const size = 10_000
      const edges = Array.from({ length: size - 1 }, (_, index) => ({
        from: shape === 'chain' ? index : 0,
        to: index + 1,
        holds: undefined,
      }))
      let turns = 0
      const ticking = setInterval(() => turns++, 1)
      const recorder = new Recorder(() => 0)
      const { steps } = await run({ size, edges }, recorder)
      clearInterval(ticking)
      expect(Object.keys(steps)).toHaveLength(size)
      expect(turns).toBeGreaterThan(0)
    },
  )
})
