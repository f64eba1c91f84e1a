import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { agents, TestEngine } from '../../test/support/engine.ts'
import { noSettings } from '../../test/support/secrets.ts'
import { everybody } from '../access/caller.ts'
import { StorageFull } from '../errors.ts'
import { execute } from './execute.ts'

let engine: TestEngine
beforeEach(async () => {
  engine = await TestEngine.start()
})
afterEach(() => engine.close())

it('names the execution that a full disk keeps from going on: it was admitted, and must not be sent again', async () => {
  await engine.deploy('full', agents({ id: 'a' }))
  vi.spyOn(engine.journal, 'append').mockRejectedValueOnce(new StorageFull({}))
  const { store, journal, dispatcher, hub, models, clock } = engine
  const studio = { ...noSettings, store, journal, dispatcher, hub, models, clock, environments: ['production'], purge: () => undefined }
  const request = {
    caller: everybody,
    target: { deployment_name: 'full' },
    environment: undefined,
    request: { query: '?', chat_history: [] },
  }
  const answer = execute(studio, { ...request, runtime_overrides: {}, session_id: undefined, user_id: undefined })
  const [execution_id] = await answer.then(
    () => [],
    (error) => [error.members.execution_id],
  )
  expect(journal.unfinished()).toMatchObject([{ execution_id }])
  await expect(answer).rejects.toMatchObject({ code: 'storage_full', message: expect.stringContaining('goes on by itself') })
})
