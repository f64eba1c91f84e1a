import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { removeFolder, temporaryFolder } from '../../test/support/server.ts'
import { deployRelease, type Deploy } from '../deployments/release-repository.ts'
import { LocalStore } from '../store/sqlite/local-store.ts'
import { newWorkflow } from '../workflows/new-workflow.ts'
import { createWorkflow } from '../workflows/repository.ts'
import { deleteVariable, putVariable, variableCommands } from '../variables/repository.ts'
import { findMissing, findUses } from './reference-repository.ts'
import { deleteSecret, putSecret, secretCommands } from './repository.ts'
import { SealingKey } from './sealing.ts'

const key = new SealingKey(randomBytes(32))
const production = { environment: 'production', precondition: {}, now: 1 }

let folder: string
let store: LocalStore
beforeEach(async () => {
  folder = temporaryFolder()
  store = await LocalStore.open(folder, [...secretCommands, ...variableCommands, createWorkflow, deployRelease], { create: true })
})
afterEach(() => {
  store.close()
  removeFolder(folder)
})

const put = (name: string, value = 's3cr3t-value', environment = 'production') =>
  store.write(putSecret, { ...production, environment, name, key_id: key.id, sealed: key.seal(value, { environment, name }) })
const remove = (name: string) => store.write(deleteSecret, { ...production, name, force: false })
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

/** A deploy of a definition that refers to these. */
async function deployOf(name: string, secrets: string[], variables: string[], providerKeys: string[] = []): Promise<Deploy> {
  const workflow = newWorkflow({ name: `${name} ${secrets.join()}`, configuration: {} }, crypto.randomUUID(), 1)
  await store.write(createWorkflow, workflow)
  return {
    name,
    environment: 'production',
    deployed_by: null,
    runtime_config: undefined,
    force: false,
    workflow,
    definition_digest: `digest of ${[...secrets, ...variables, ...providerKeys].join()}`,
    definition: '{}',
    references: { secrets, variables, providerKeys },
    new_deployment_id: crypto.randomUUID(),
    now: 1,
  }
}

describe('an environment', () => {
  it('has room for 1,000 secrets, and no other is lost or counted for it', async () => {
    for (let number = 0; number < 1_000; number++) await put(`S_${number}`)
    expect(await code(put('S_1000'))).toBe('environment_full')
    expect(await code(put('S_1000', 's3cr3t-value', 'development'))).toBe('done')
    expect(await code(put('S_7', 'another-value'))).toBe('done')
    expect(await code(remove('S_0'))).toBe('done')
    expect(await code(put('S_1000'))).toBe('done')
  })

  it('has room for a megabyte of secrets', async () => {
    for (let number = 0; number < 30; number++) expect(await code(put(`S_${number}`, 'x'.repeat(32_768)))).toBe('done')
    expect(await code(put('S_30', 'x'.repeat(32_768)))).toBe('environment_full')
    expect(await code(put('S_30', 'x'.repeat(8_000)))).toBe('done')
  })

  it('has room for a megabyte of variables', async () => {
    const putOne = (name: string, value: string) => store.write(putVariable, { ...production, name, value })
    for (let number = 0; number < 30; number++) expect(await code(putOne(`V_${number}`, 'x'.repeat(32_768)))).toBe('done')
    expect(await code(putOne('V_30', 'x'.repeat(32_768)))).toBe('environment_full')
  })
})

describe('a deploy', () => {
  it('begins anew where what it refers to was deleted since it was prepared, and leaves nothing', async () => {
    await put('TOKEN')
    await store.write(putVariable, { ...production, name: 'HOST', value: 'x' })
    const deploy = await deployOf('late', ['TOKEN'], ['HOST'])
    await remove('TOKEN')
    expect(await code(store.write(deployRelease, deploy))).toBe('workflow_changed')
    await put('TOKEN')
    await store.write(deleteVariable, { ...production, name: 'HOST', force: false })
    expect(await code(store.write(deployRelease, deploy))).toBe('workflow_changed')
    for (const table of ['deployments', 'releases', 'definitions', 'definition_references'] as const) {
      expect(await store.read.selectFrom(table).selectAll().execute()).toEqual([])
    }
    await store.write(putVariable, { ...production, name: 'HOST', value: 'x' })
    expect(await code(store.write(deployRelease, deploy))).toBe('done')
  })

  it('keeps what it refers to from being deleted, the keys of its models included', async () => {
    for (const name of ['TOKEN', 'OPENAI_API_KEY', 'UNUSED']) await put(name)
    await store.write(deployRelease, await deployOf('uses', ['TOKEN'], [], ['OPENAI_API_KEY']))
    expect(await code(remove('TOKEN'))).toBe('secret_in_use')
    expect(await code(remove('OPENAI_API_KEY'))).toBe('secret_in_use')
    expect(await code(remove('UNUSED'))).toBe('done')
    const uses = await findUses(store.read, 'secrets', ['TOKEN', 'OPENAI_API_KEY'], ['production'])
    expect(uses).toHaveLength(2)
    for (const name of ['TOKEN', 'OPENAI_API_KEY']) {
      expect(uses).toContainEqual({ name, environment: 'production', deployment_name: 'uses', status: 'active', release: 1 })
    }
  })

  it('does not need the key of a provider: an environment variable may have it', async () => {
    expect(await code(store.write(deployRelease, await deployOf('keyless', [], [], ['OPENAI_API_KEY'])))).toBe('done')
  })
})

describe('what a definition needs', () => {
  it('is told for each environment', async () => {
    await put('TOKEN')
    await store.write(putVariable, { ...production, name: 'HOST', value: 'x' })
    const deploy = await deployOf('moves', ['TOKEN'], ['HOST'], ['OPENAI_API_KEY'])
    await store.write(deployRelease, deploy)
    expect(await findMissing(store.read, deploy.definition_digest, 'production')).toEqual([])
    expect(await findMissing(store.read, deploy.definition_digest, 'development')).toEqual([
      { kind: 'secret', name: 'TOKEN' },
      { kind: 'variable', name: 'HOST' },
    ])
  })
})
