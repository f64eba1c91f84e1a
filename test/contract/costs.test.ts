import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { useScriptedModels } from '../support/scripted-models.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const prices = join(folder, 'prices.json')
writeFileSync(prices, '{"openai/*": {"input": 1000, "output": 2000}}')
const models = useScriptedModels()
const studio = useStudio(() => ({ ...models.env(), AGENT_STUDIO_PRICES: prices }))

async function run(configuration: object) {
  const deployment_name = fresh('cost')
  await studio.deployed(deployment_name, configuration)
  const answer = await studio.execute({ deployment_name, query: 'go' })
  const { execution_id } = answer.body
  const { body: execution } = await studio.call('GET', `/api/executions/${execution_id}`)
  const { body: steps } = await studio.call('GET', `/api/executions/${execution_id}/steps`)
  return { answer, execution, steps }
}

const call = { name: 'calculator', arguments: '{"expression":"1+1"}' }
const lead = (config: object) => agents({ agent_id: 'lead', config: { tools: ['calculator'], ...config } })

it('what a step and an execution cost is what its tokens cost', async () => {
  const usage = { input: 100, output: 10 }
  const model = models.model((request) => (request === 1 ? { toolCalls: [call], usage } : { text: 'two', usage }))
  const { execution, steps } = await run(lead({ model }))
  expect(steps.map(({ kind, cost }: { kind: string; cost: number | null }) => [kind, cost])).toEqual([
    ['model', 0.12],
    ['tool', null],
    ['model', 0.12],
  ])
  expect(execution.cost).toBeCloseTo(0.24)
})

it('the demo models cost nothing', async () => {
  const { execution, steps } = await run(echo)
  expect([execution.cost, steps[0].cost]).toEqual([0, 0])
})

it('an agent that has used up its max_cost makes no further call', async () => {
  const model = models.model(() => ({ toolCalls: [call], usage: { input: 100, output: 0 } }))
  const { answer } = await run(lead({ model, limits: { max_cost: 0.25 } }))
  expect([answer.status, answer.body.code, answer.body.limit]).toEqual([502, 'agent_limit', 'max_cost'])
  expect(models.requests(model)).toHaveLength(3)
})
