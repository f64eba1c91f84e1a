import type { Definition } from '../../src/graph/definition.ts'
import { compilePlan } from '../../src/graph/plan.ts'
import { resolveDefinition } from '../../src/graph/resolve.ts'
import { stepKinds } from '../../src/nodes/kinds.ts'
import { deploy, startAgentStudio } from '../agent-studio.ts'
import { call } from '../call.ts'
import type { Request } from '../load/load.ts'
import { median } from '../median.ts'
import type { Part } from '../part.ts'
import type { Value } from '../value.ts'

const NODES = 10_000
/** Long enough that the execution around them does not count. */
const TRANSFORMS = 1_000
const PROGRAMS = 100
const ROUNDS = 5

interface Step {
  step_id: string
  step_type: string
  config: object
  dependencies: string[]
}

const chain = (length: number, step_type: string, config: object): Step[] =>
  Array.from({ length }, (_, index) => ({ step_id: `n${index}`, step_type, config, dependencies: index === 0 ? [] : [`n${index - 1}`] }))

const fanOut = (length: number, step_type: string): Step[] =>
  Array.from({ length }, (_, index) => ({ step_id: `n${index}`, step_type, config: {}, dependencies: index === 0 ? [] : ['n0'] }))

const resolving = { agents: [], defaultModel: 'demo/echo', resolveModel: () => undefined, kinds: stepKinds }

/** What steps cost as they are run and recorded, and graphs of ten thousand of them. */
export const graph: Part = {
  name: 'graph',
  measure: async ({ room, say }) => {
    const server = await startAgentStudio(room, room.makeFolder())
    const runOf = async (name: string, list: readonly Step[]): Promise<number> => {
      say(`graph: ${name}`)
      const request = await deploy(server.port, name.replaceAll(' ', '-'), { steps: list })
      await timeOf(server.port, request)
      const times: number[] = []
      for (let round = 0; round < ROUNDS; round++) times.push(await timeOf(server.port, request))
      return median(times)
    }
    const transforms = await runOf('transform', chain(TRANSFORMS, 'transform', { mapping: { a: '{{ query }}' } }))
    const programs = await runOf('code', chain(PROGRAMS, 'code', { source: 'return query.length' }))
    const values: Value[] = [
      { what: 'a transform step, run and recorded', value: (transforms / TRANSFORMS) * 1_000, unit: 'µs', atMost: 100 },
      { what: 'a code step, warm', value: programs / PROGRAMS, unit: 'ms', atMost: 5 },
    ]
    for (const [shape, list] of Object.entries({ chain: chain(NODES, 'transform', {}), 'fan-out': fanOut(NODES, 'transform') })) {
      const what = `${shape} of ${NODES} nodes`
      values.push({ what: `${what}: run`, value: await runOf(what, list), unit: 'ms', atMost: 10_000 })
      const { definition } = resolveDefinition({ steps: list }, resolving)
      values.push({
        what: '… checked by a deploy',
        value: timeWarm(() => resolveDefinition({ steps: list }, resolving)),
        unit: 'ms',
        atMost: 200,
      })
      values.push({ what: '… planned', value: timeWarm(() => compilePlan(definition as Definition, stepKinds)), unit: 'ms', atMost: 200 })
    }
    await server.stop()
    return values
  },
}

async function timeOf(port: number, { path, body }: Request): Promise<number> {
  const began = performance.now()
  const answer = await call(port, 'POST', path, body)
  const took = performance.now() - began
  if (answer['status'] !== 'success') throw new Error(JSON.stringify(answer))
  return took
}

function timeWarm(run: () => unknown): number {
  run()
  const times = Array.from({ length: ROUNDS }, () => {
    const began = performance.now()
    run()
    return performance.now() - began
  })
  return median(times)
}
