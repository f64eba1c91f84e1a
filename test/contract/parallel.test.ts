import { describe, expect, it } from 'vitest'
import { until, type Answer } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, echo, fresh, slow, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)
const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
/** One agent that always says the same. */
const saying = (text: string) => agents({ agent_id: 'a', config: { model: models.model(() => ({ text })) } })

interface Try {
  began: number
  answer: Answer
}

/** A few clients that execute one after another, from now until `end` is called, which waits for their last answers. */
function keepExecuting(deployment_name: string, clients = 4): { end(): Promise<Try[]>; tries: Try[] } {
  const tries: Try[] = []
  const enough = new AbortController()
  const client = async (): Promise<void> => {
    while (!enough.signal.aborted) {
      const began = performance.now()
      tries.push({ began, answer: await studio.execute({ deployment_name, query: 'x' }) })
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return {
    tries,
    end: async () => {
      enough.abort()
      await all
      return tries
    },
  }
}

const statuses = (answers: Answer[]) => answers.map((one) => one.status).toSorted((a, b) => a - b)

const times = <Result>(count: number, work: (index: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)))

it('a redeploy under load loses and refuses no execution, and each runs on the release that it says', async () => {
  const name = fresh('load')
  const [odd, even] = [await studio.workflow(saying('odd')), await studio.workflow(saying('even'))]
  await studio.deploy(odd, name)
  const load = keepExecuting(name)
  for (let release = 2; release <= 12; release++) {
    const seen = load.tries.length
    const { release: made } = await studio.deploy(release % 2 === 0 ? even : odd, name)
    expect(made.number).toBe(release)
    // So that every release gets executions.
    await until(async () => load.tries.length > seen + 3, 'executions go on')
  }
  const tries = await load.end()
  const releases = new Set<number>()
  for (const { answer } of tries) {
    expect(answer.status).toBe(200)
    const { release, response } = answer.body
    releases.add(release)
    expect([release, response]).toEqual([release, release % 2 === 0 ? 'even' : 'odd'])
  }
  expect(releases.size).toBeGreaterThan(5)
  expect((await studio.call('GET', path(name))).body).toMatchObject({ execution_count: tries.length, error_count: 0 })
})

it('once a stop is answered no execution that begins later succeeds, and after a reactivation they all do', async () => {
  const name = fresh('stop')
  await studio.deployed(name)
  const load = keepExecuting(name)
  /** From when on which status must be answered, until the next change was asked for. */
  const changes: { from: number; until: number; status: number }[] = []
  for (let round = 0; round < 6; round++) {
    const stopping = round % 2 === 0
    const { status } = await studio.call('POST', path(name, stopping ? '/stop' : '/reactivate'))
    expect(status).toBe(200)
    const from = performance.now()
    await until(async () => load.tries.filter((one) => one.began > from).length > 4, 'executions go on')
    changes.push({ from, until: Infinity, status: stopping ? 404 : 200 })
    if (round > 0) changes[round - 1]!.until = from
  }
  const tries = await load.end()
  expect(new Set(tries.map((one) => one.answer.status))).toEqual(new Set([200, 404]))
  for (const { from, until, status } of changes) {
    // Those that began while the next change was under way may see either.
    const settled = tries.filter((one) => one.began > from && one.began < until).slice(0, 4)
    expect(settled.map((one) => one.answer.status)).toEqual(settled.map(() => status))
  }
  const ended = tries.filter((one) => one.answer.status === 200).length
  expect((await studio.call('GET', path(name))).body.execution_count).toBe(ended)
})

it('once a delete is answered everything of the deployment is 404, whatever was in flight', async () => {
  const name = fresh('delete')
  const { workflow, deployment_id } = await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }))
  const load = keepExecuting(name)
  const long = await Promise.all([studio.startLong(name), studio.startLong(name)])
  await until(async () => load.tries.filter((one) => one.answer.status === 200).length > 2, 'executions go on')
  expect((await studio.call('DELETE', path(name))).status).toBe(200)
  const gone = performance.now()
  const ids = long.map((one) => one.execution_id)
  for (const id of ids) {
    for (const rest of ['', '/steps', '/events']) expect((await studio.call('GET', `/api/executions/${id}${rest}`)).status).toBe(404)
  }
  expect((await studio.call('GET', `/api/executions?workflow_id=${workflow.workflow_id}`)).body).toEqual([])
  await until(async () => load.tries.filter((one) => one.began > gone).length > 4, 'executions go on')
  const tries = await load.end()
  for (const { began, answer } of tries) expect(began > gone ? [404] : [200, 404, 409]).toContain(answer.status)
  for (const { answer } of tries.filter((one) => one.answer.status === 200)) {
    expect((await studio.call('GET', `/api/executions/${answer.body.execution_id}`)).status).toBe(404)
  }
  for (const { events } of long) expect((await events).at(-1)!.data).toMatchObject({ status: 'error', code: 'execution_cancelled' })

  const again = await studio.deploy(workflow.workflow_id, name)
  expect(again).toMatchObject({ release: { number: 1 }, execution_count: 0, error_count: 0 })
  expect(again.deployment_id).not.toBe(deployment_id)
})

describe('at the same time', () => {
  it('many deploys of one new name make one deployment with a release each', async () => {
    const [name, id] = [fresh('deploys'), await studio.workflow()]
    const made = await times(12, () => studio.deploy(id, name, { force: true }))
    expect(new Set(made.map((one) => one.deployment_id)).size).toBe(1)
    expect(made.map((one) => one.release.number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1))
    expect((await studio.call('GET', path(name))).body.release.number).toBe(12)
  })

  it('many deploys of the same make one release, and the others say unchanged', async () => {
    const [name, id] = [fresh('same'), await studio.workflow()]
    const made = await times(12, () => studio.deploy(id, name))
    expect(made.filter((one) => !one.unchanged)).toHaveLength(1)
    expect(new Set(made.map((one) => one.release.number))).toEqual(new Set([1]))
  })

  it('one of many that create a workflow of one name succeeds, the others get 409', async () => {
    const name = fresh('create')
    const answers = await times(10, () => studio.call('POST', '/api/workflows', { name, configuration: {} }))
    expect(statuses(answers)).toEqual([200, ...Array(9).fill(409)])
  })

  it('many stops are one stop, one of many reactivations and one of many deletes succeeds', async () => {
    const name = fresh('once')
    await studio.deployed(name)
    const stops = await times(10, () => studio.call('POST', path(name, '/stop')))
    for (const { status, body } of stops) expect([status, body]).toEqual([200, stops[0]!.body])
    expect(statuses(await times(10, () => studio.call('POST', path(name, '/reactivate'))))).toEqual([200, ...Array(9).fill(404)])
    expect(statuses(await times(10, () => studio.call('DELETE', path(name))))).toEqual([200, ...Array(9).fill(404)])
  })

  it('deploys and deletes of one name leave it whole: a new name begins at release 1, an existing one goes on', async () => {
    const [name, id] = [fresh('churn'), await studio.workflow()]
    const [deploys, deletes] = await Promise.all([
      times(15, () => studio.deploy(id, name, { force: true })),
      times(15, () => studio.call('DELETE', path(name))),
    ])
    expect(new Set(deletes.map((one) => one.status))).toEqual(
      new Set([200, 404].filter((status) => deletes.some((one) => one.status === status))),
    )
    for (const releases of Map.groupBy(deploys, (one) => one.deployment_id).values()) {
      const numbers = releases.map((one) => one.release.number).toSorted((a, b) => a - b)
      expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    }
    const deleted = new Set(deletes.filter((one) => one.status === 200).map((one) => one.body.deployment_id))
    const left = deploys.filter((one) => !deleted.has(one.deployment_id))
    const { status, body } = await studio.call('GET', path(name))
    expect([status, body.deployment_id]).toEqual(left.length > 0 ? [200, left[0].deployment_id] : [404, undefined])
  })

  it('edits of a workflow never tear a deploy of it', async () => {
    const name = fresh('edits')
    const id = await studio.workflow(echo)
    const edit = (index: number) => studio.call('PUT', `/api/workflows/${id}`, { configuration: index % 2 ? echo : slow })
    const [edits, deploys] = await Promise.all([
      times(10, edit),
      times(10, () => studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: name })),
    ])
    expect(new Set(edits.map((one) => one.status))).toEqual(new Set([200]))
    for (const { status, body } of deploys)
      expect([200, 409]).toContain(status === 409 ? (body.code === 'workflow_changed' ? 409 : body.code) : status)
    expect(deploys.some((one) => one.status === 200)).toBe(true)
  })

  it('deleting a workflow and deploying it never leaves an active deployment without one', async () => {
    for (let round = 0; round < 5; round++) {
      const [name, id] = [fresh('race'), await studio.workflow()]
      const [deployed, deleted] = await Promise.all([
        studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: name }),
        studio.call('DELETE', `/api/workflows/${id}`),
      ])
      expect([
        [200, 409],
        [404, 200],
      ]).toContainEqual([deployed.status, deleted.status])
    }
  })
})
