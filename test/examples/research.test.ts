import { describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useExample, type Think } from './example.ts'

const example = useExample('research')

const questions = ['Is tea drunk in winter?', 'Who buys typewriters?', 'What of lamps?', 'Anything else on tea?']

/** Three roles, told apart by what their prompts begin with. */
const thinks: Think = ({ system, text }) => {
  if (system.startsWith('You take')) return { text: JSON.stringify({ questions }) }
  if (system.startsWith('You answer'))
    return { text: JSON.stringify({ finding: `${text.split('\n')[0]} ${text.includes('Tea in winter')}`, sure: true }) }
  const found = JSON.parse(text.slice(text.indexOf('Found: ') + 7)) as ({ finding: string } | null)[]
  const open_questions = found.filter((one) => one === null).length
  return { text: JSON.stringify({ title: 'Sales', summary: found.map((one) => one?.finding ?? '-').join('|'), open_questions }) }
}

describe('research', () => {
  it('looks into the parts side by side, and answers in the form that it promises', async () => {
    let reading = 0
    let most = 0
    example.think = async (request) => {
      if (!request.system.startsWith('You answer')) return thinks(request)
      most = Math.max(most, ++reading)
      await until(async () => most === 3, 'three at a time')
      reading--
      return thinks(request)
    }
    const { body } = await example.studio.execute({ deployment_name: await example.deploy(), query: 'What sells?' })
    expect(JSON.parse(body.response)).toEqual({
      title: 'Sales',
      summary: 'Is tea drunk in winter? true|Who buys typewriters? false|What of lamps? false|Anything else on tea? true',
      open_questions: 0,
    })
    expect(most).toBe(3)
  })

  it('goes on without a part that fails, and says how many are open', async () => {
    example.think = (request) =>
      request.system.startsWith('You answer') && request.text.startsWith('Who') ? { status: 400, body: 'no' } : thinks(request)
    const { body } = await example.studio.execute({ deployment_name: await example.deploy(), query: 'What sells?' })
    expect(JSON.parse(body.response)).toMatchObject({ open_questions: 1, summary: expect.stringContaining('|-|') })
  })

  it('killed with some parts done and others under way, asks only for those that were not recorded', async () => {
    const readings: string[] = []
    let holds = true
    const { promise: never } = Promise.withResolvers<{ text: string }>()
    example.think = (request) => {
      const part = request.text.split('\n')[0]!
      if (!request.system.startsWith('You answer')) return thinks(request)
      readings.push(part)
      return holds && part.startsWith('Who') ? never : thinks(request)
    }
    const id = await example.start(await example.deploy(), 'What sells?')
    // The other three go through, around the one that hangs.
    await until(async () => {
      const done = (await example.steps(id)).filter(([step, status]) => /^each\[\d\]\/read#1$/.test(step) && status === 'completed')
      return done.length === 3
    }, 'three parts to be recorded')
    expect(readings.toSorted()).toEqual([...questions].toSorted())
    holds = false
    await example.studio.crash()
    expect(JSON.parse((await example.ended(id)).response)).toMatchObject({ open_questions: 0 })
    expect(readings.slice(4)).toEqual(['Who buys typewriters?'])
    const repeated = (await example.steps(id)).filter(([, , attempts]) => attempts > 1).map(([step]) => step)
    expect(repeated).toEqual(['each', 'each[1]/read#1'])
  })
})
