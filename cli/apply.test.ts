import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { finished, runCli, spawnCli } from '../test/support/cli.ts'
import { writeKeyFile } from '../test/support/secrets.ts'
import { fresh, useStudio } from '../test/support/studio.ts'
import { removeFolder, temporaryFolder } from '../test/support/server.ts'

const folder = temporaryFolder()
const studio = useStudio(() => ({ AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(folder) }))
afterAll(() => removeFolder(folder))

interface Planned {
  id: string
  action: string
  summary: string
  result?: string
  changes?: {
    nodes: { id: string; change: string; differences: { pointer: string; before?: unknown; after?: unknown }[] }[]
    settings: { pointer: string }[]
  }
}

const cli = (args: readonly string[], stdin = '') => runCli(args, { folder, url: studio.url, stdin })

/** Applies, or shows, what the text says. */
async function apply(text: string, ...args: string[]) {
  const result = await cli(['apply', '-f', '-', '--json', ...args], text)
  const { code, stderr } = result
  const objects = result.stdout === '' ? [] : (result.json as { objects: Planned[] }).objects
  return { code, stderr, objects, error: code === 0 ? undefined : result.error }
}
async function diff(text: string, ...args: string[]) {
  const result = await cli(['diff', '-f', '-', '--json', ...args], text)
  return { code: result.code, objects: (result.json as { objects: Planned[] }).objects }
}

const workflow = (name: string, temperature = 0.2, tags = '[]') => `
kind: Workflow
name: ${name}
tags: ${tags}
configuration:
  agents:
    - agent_id: draft   # answers first
      config: {model: demo/echo, temperature: ${temperature}}
`
const deployment = (name: string, of: string, extra = '') => `
kind: Deployment
deployment_name: ${name}
environment: development
workflow: ${of}
${extra}
`
const all = (...documents: string[]) => documents.join('\n---\n')
const idOf = async (name: string): Promise<string> =>
  (await studio.call('GET', '/api/workflows?limit=1000')).body.find((one: { name: string }) => one.name === name).workflow_id

/** A few lines that would be thousands of millions of values. */
const bomb = Array.from(
  { length: 10 },
  (_, at) =>
    `a${at}: &a${at} [${Array(9)
      .fill(at === 0 ? 'x' : `*a${at - 1}`)
      .join()}]`,
).join('\n')

describe('apply', () => {
  it('makes what is not there, and says unchanged when nothing is different', async () => {
    const name = fresh('applied')
    const files = all(workflow(name), deployment(name, name, 'runtime_config: {timeout: 60}'))
    const first = await apply(files)
    expect(first.code, first.stderr).toBe(0)
    expect(first.objects.map(({ action }) => action)).toEqual(['create', 'create'])
    const { body } = await studio.call('GET', `/api/workflows/deployments/${name}`)
    expect(body).toMatchObject({ status: 'active', release: { number: 1 }, runtime_config: { timeout: 60 } })
    const again = await apply(files)
    expect(again.objects.map(({ result }) => result)).toEqual(['unchanged', 'unchanged'])
    expect((await diff(files)).code).toBe(0)
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body.release.number).toBe(1)
  })

  it('shows a change node by node, and changes nothing when it only shows', async () => {
    const name = fresh('changed')
    await apply(all(workflow(name), deployment(name, name)))
    const files = all(workflow(name, 0.4), deployment(name, name))
    for (const plan of [await diff(files), await apply(files, '--dry-run')]) {
      expect(plan.objects[0]).toMatchObject({
        action: 'update',
        changes: { nodes: [{ id: 'draft', change: 'changed', differences: [{ before: 0.2, after: 0.4 }] }], settings: [] },
      })
      expect(plan.objects[1]).toMatchObject({ action: 'update', summary: expect.stringContaining('will replace release 1') })
    }
    expect((await diff(files)).code).toBe(1)
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body.release.number).toBe(1)
    const done = await apply(files)
    expect(done.objects.map(({ result }) => result)).toEqual([expect.stringContaining('updated'), 'release 2 serves now'])
  })

  it('of a workflow changes the draft and nothing that serves', async () => {
    const name = fresh('draft')
    await apply(all(workflow(name), deployment(name, name)))
    expect((await apply(workflow(name, 0.9))).code).toBe(0)
    const { body } = await studio.call('GET', `/api/workflows/deployments/${name}`)
    expect(body.release.number).toBe(1)
    // Then a deployment alone says what it will do.
    const { objects } = await diff(deployment(name, name))
    expect(objects[0]).toMatchObject({ action: 'update', changes: { nodes: [{ id: 'draft' }] } })
  })

  it('leaves a draft that somebody else has edited, shows it, and overwrites it with --force alone', async () => {
    const name = fresh('drifted')
    await apply(all(workflow(name), deployment(name, name)))
    const id = await idOf(name)
    const { body } = await studio.call('GET', `/api/workflows/${id}`)
    body.configuration.agents[0].config.temperature = 0.7
    await studio.call('PUT', `/api/workflows/${id}`, { configuration: body.configuration })
    const files = all(workflow(name, 0.3), deployment(name, name))
    const refused = await apply(files)
    expect(refused.code).toBe(5)
    expect(refused.error).toMatchObject({ code: 'drift', next: expect.stringContaining('--force') })
    expect(refused.objects[0]).toMatchObject({ action: 'drift', changes: { nodes: [{ differences: [{ before: 0.7, after: 0.3 }] }] } })
    expect((await studio.call('GET', `/api/workflows/${id}`)).body.configuration.agents[0].config.temperature).toBe(0.7)
    expect((await apply(files, '--force')).code).toBe(0)
    expect((await studio.call('GET', `/api/workflows/${id}`)).body.configuration.agents[0].config.temperature).toBe(0.3)
  })

  it('leaves a release that somebody else has deployed', async () => {
    const name = fresh('foreign')
    await apply(all(workflow(name), deployment(name, name)))
    const id = await idOf(name)
    await studio.call('POST', `/api/workflows/${id}/deploy`, {
      deployment_name: name,
      environment: 'development',
      runtime_config: { timeout: 7 },
    })
    const refused = await apply(deployment(name, name, 'runtime_config: {timeout: 60}'))
    expect(refused.code).toBe(5)
    expect(refused.objects[0]).toMatchObject({ action: 'drift', summary: expect.stringContaining('not made by apply') })
    expect((await apply(deployment(name, name, 'runtime_config: {timeout: 60}'), '--force')).code).toBe(0)
  })

  it('leaves a stopped deployment stopped', async () => {
    const name = fresh('stopped')
    await apply(all(workflow(name), deployment(name, name)))
    await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
    expect((await apply(all(workflow(name), deployment(name, name)))).objects[1]).toMatchObject({
      action: 'drift',
      summary: expect.stringContaining('was stopped'),
    })
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body.status).toBe('inactive')
  })

  it('begins nothing when something cannot be done', async () => {
    const name = fresh('blocked')
    const secret = all(`kind: SecretRef\nenvironment: development\nname: NOT_THERE`, workflow(name))
    const refused = await apply(secret)
    expect(refused.code).toBe(1)
    expect(refused.objects.map(({ action }) => action)).toEqual(['blocked', 'create'])
    expect((await studio.call('GET', '/api/workflows?limit=1000')).body.map((one: { name: string }) => one.name)).not.toContain(name)
    const orphan = await apply(deployment(fresh('orphan'), 'No such workflow'))
    expect(orphan.objects[0]).toMatchObject({ action: 'blocked', summary: expect.stringContaining('there is no workflow') })
  })

  it('begins nothing while a rollback holds its deploy, not even with the draft', async () => {
    const name = fresh('held')
    await apply(all(workflow(name), deployment(name, name)))
    await apply(all(workflow(name, 0.4), deployment(name, name)))
    await studio.call('POST', `/api/workflows/deployments/${name}/rollback`, { to: 1 })
    const refused = await apply(all(workflow(name, 0.6), deployment(name, name)))
    expect(refused.code).toBe(1)
    expect(refused.objects[1]).toMatchObject({ action: 'blocked', summary: expect.stringContaining('held since a rollback') })
    const { body } = await studio.call('GET', `/api/workflows/${await idOf(name)}`)
    expect(body.configuration.agents[0].config.temperature).toBe(0.4)
  })

  it('does all of its work though nobody reads what it says on the way', async () => {
    const name = fresh('unread')
    const child = spawnCli(['apply', '-f', '-'], { folder, url: studio.url })
    child.stderr.destroy()
    const { code, stdout } = await finished(child, all(workflow(name), deployment(name, name)))
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('release 1 serves now') })
  })

  it('stores variables, and leaves one that has another value', async () => {
    const variable = (value: string) => `kind: Variable\nenvironment: development\nname: APPLIED_URL\nvalue: ${value}`
    expect((await apply(variable('one'))).objects[0]).toMatchObject({ action: 'create' })
    expect((await apply(variable('one'))).objects[0]).toMatchObject({ action: 'unchanged' })
    expect((await apply(variable('two'))).code).toBe(5)
    expect((await apply(variable('two'), '--force')).objects[0]).toMatchObject({ result: 'updated' })
  })

  it('deletes only what a selector means, and asks before', async () => {
    const [kept, gone, other] = [fresh('kept'), fresh('gone'), fresh('untagged')]
    const keep = all(workflow(kept, 0.2, '[team-x]'), deployment(kept, kept))
    await apply(all(keep, workflow(gone, 0.2, '[team-x]'), deployment(gone, gone), workflow(other)))
    expect((await apply(keep, '--prune')).code).toBe(2)
    const prune = ['--prune', '--selector', 'tag=team-x']
    const asked = await apply(keep, ...prune)
    expect(asked.code).toBe(6)
    expect((await studio.call('GET', `/api/workflows/deployments/${gone}`)).status).toBe(200)
    const done = await apply(keep, ...prune, '--yes')
    expect(done.code, done.stderr).toBe(0)
    expect(done.objects.filter(({ action }) => action === 'delete').map(({ id }) => id)).toEqual([
      `Deployment ${gone} in development`,
      `Workflow ${gone} 1.0.0`,
    ])
    expect((await studio.call('GET', `/api/workflows/deployments/${gone}`)).status).toBe(404)
    expect((await studio.call('GET', `/api/workflows/deployments/${kept}`)).status).toBe(200)
    await idOf(other)
  })

  it('reads whole folders, and says where something is twice', async () => {
    const name = fresh('folder')
    mkdirSync(join(folder, 'files/deep'), { recursive: true })
    writeFileSync(join(folder, 'files/a.yaml'), workflow(name))
    writeFileSync(
      join(folder, 'files/deep/b.json'),
      JSON.stringify({ kind: 'Deployment', deployment_name: name, environment: 'development', workflow: { name, version: '1.0.0' } }),
    )
    writeFileSync(join(folder, 'files/notes.txt'), 'not an object')
    expect((await cli(['apply', '-f', 'files'])).code).toBe(0)
    const twice = await cli(['apply', '-f', 'files', '-f', 'files/a.yaml'])
    expect(twice.code).toBe(2)
    expect(twice.stderr).toContain('and again in files/a.yaml, document 1')
  })

  it.each([
    ['kind: Workflw\nname: x', /Did you mean 'Workflow'\?/],
    ['kind: Workflow\nname: x', /needs 'configuration'/],
    ['kind: Workflow\nname: x\nconfigration: {}', /Did you mean 'configuration'\?/],
    ['kind: Workflow\nname: 3\nconfiguration: {}', /write it in quotes/],
    ['kind: SecretRef\nenvironment: development\nname: X\nvalue: oops', /belongs in no file/],
    ['name: x', /has no 'kind'/],
    ['kind: [', /neither JSON nor YAML/],
    ['kind: Workflow\nkind: Workflow', /neither JSON nor YAML/],
    ['kind: *nothing', /Unresolved alias/],
    [bomb, /Excessive alias count/],
    ['', /no objects/],
  ])('refuses %j', async (text, said) => {
    const { code, stderr } = await cli(['apply', '-f', '-'], text)
    expect(code).toBe(2)
    expect(stderr).toMatch(said)
  })
})
