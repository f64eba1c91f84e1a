import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../test/support/api.ts'
import { runCli, type CliOptions } from '../test/support/cli.ts'
import { writeKeyFile } from '../test/support/secrets.ts'
import { agents, echo, fresh, slow, useStudio } from '../test/support/studio.ts'
import { removeFolder, temporaryFolder } from '../test/support/server.ts'

const folder = temporaryFolder()
const studio = useStudio(() => ({ AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(folder) }))
afterAll(() => removeFolder(folder))

/** @throws what it said, for anything but a success */
async function cli(args: readonly string[], options: Partial<CliOptions> = {}) {
  const result = await runCli(args, { folder, url: studio.url, ...options })
  expect(result.code, result.stderr).toBe(0)
  return result
}

describe('workflows', () => {
  it('are made from a file, exported, imported under another name, and deleted by their name', async () => {
    const name = fresh('Written')
    writeFileSync(join(folder, 'poet.yaml'), 'agents:\n  - agent_id: poet\n    config:\n      model: demo/echo\n')
    const made = await cli([
      'workflow',
      'create',
      name,
      '--file',
      'poet.yaml',
      '--description',
      'Writes',
      '--tag',
      'a',
      '--tag',
      'b',
      '--json',
    ])
    expect(made.json).toMatchObject({ name, description: 'Writes', tags: ['a', 'b'], configuration: { agents: [{ agent_id: 'poet' }] } })

    const exported = (await cli(['workflow', 'export', name])).stdout
    expect(parse(exported)).toEqual({
      kind: 'Workflow',
      name,
      version: '1.0.0',
      description: 'Writes',
      tags: ['a', 'b'],
      configuration: { agents: [{ agent_id: 'poet', config: { model: 'demo/echo' } }] },
    })
    const copied = await cli(['workflow', 'import', '-', '--name', `${name}-copy`, '--json'], { stdin: exported })
    expect(copied.json).toMatchObject({ name: `${name}-copy`, tags: ['a', 'b'] })

    const changed = exported.replace('demo/echo', 'demo/assistant')
    const replaced = await cli(['workflow', 'import', '-', '--replace', '--json'], { stdin: changed })
    expect(replaced.json).toMatchObject({ workflow_id: (made.json as { workflow_id: string }).workflow_id })
    expect((await cli(['workflow', 'get', name, '--json'])).stdout).toContain('demo/assistant')

    await cli(['workflow', 'delete', `${name}@1.0.0`, '--yes'])
    expect((await runCli(['workflow', 'get', name], { folder, url: studio.url })).code).toBe(3)
  })

  it('of which several versions have the name are named by their version', async () => {
    const name = fresh('Versioned')
    for (const version of ['1.0.0', '2.0.0']) await studio.workflow(echo, { name, version })
    const refused = await runCli(['workflow', 'get', name], { folder, url: studio.url })
    expect(refused.code).toBe(5)
    expect(refused.stderr).toContain(`${name}@2.0.0`)
    expect((await cli(['workflow', 'get', `${name}@2.0.0`, '--json'])).json).toMatchObject({ version: '2.0.0' })
  })
})

describe('a deployment', () => {
  it('is made, listed, run, stopped, reactivated and deleted', async () => {
    const workflow = fresh('My Poet')
    const name = workflow.toLowerCase().replace(' ', '-')
    await studio.workflow(echo, { name: workflow })
    const deployed = await cli(['deploy', workflow, '--env', 'development', '--timeout', '60', '--json'])
    expect(deployed.json).toMatchObject({
      deployment_name: name,
      environment: 'development',
      unchanged: false,
      release: { number: 1 },
      runtime_config: { timeout: 60 },
    })
    expect((await cli(['deploy', workflow, '--env', 'development'])).stdout).toMatch(/^Unchanged: /)

    expect((await cli(['list', name, '-o', 'name'])).stdout).toBe(`${name}@development\n`)
    expect((await cli(['list', name, '--json'])).json).toMatchObject([{ deployment_name: name, in_flight: { running: 0 } }])
    expect((await cli(['run', name, 'Hello rain'])).stdout).toBe('Hello rain\n')
    expect((await cli(['run', name, '--query', 'Hello', '--json'])).json).toMatchObject({
      status: 'completed',
      response: 'Hello',
      release: 1,
    })

    expect((await cli(['stop', name, '--json'])).json).toMatchObject({ status: 'inactive', in_flight: { running: 0 } })
    expect((await runCli(['run', name, 'x'], { folder, url: studio.url })).code).toBe(3)
    expect((await cli(['reactivate', name])).stdout).toBe(`${name} in development serves release 1 again.\n`)
    await cli(['deployment', 'delete', name, '--yes'])
    expect((await runCli(['deployment', 'get', name], { folder, url: studio.url })).code).toBe(3)
  })

  it('is stopped, and the command waits until nothing is in flight', async () => {
    const name = fresh('drained')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }), { environment: 'development' })
    const { execution_id } = (await cli(['run', name, 'Please take 3 seconds.', '--detach', '--json'])).json as { execution_id: string }
    const stopped = await cli(['stop', name, '--wait', '--json'])
    expect(stopped.json).toMatchObject({ status: 'inactive', in_flight: { queued: 0, running: 0, waiting: 0 } })
    expect((await cli(['exec', 'get', execution_id, '--json'])).json).toMatchObject({ status: 'completed' })
  })
})

describe('an execution', () => {
  it('takes input from pairs, files and the standard input', async () => {
    const name = fresh('fed')
    await studio.deployed(name, echo, { environment: 'development' })
    writeFileSync(join(folder, 'input.json'), '{"from": "file", "kept": 1}')
    const ran = await cli(['run', name, 'x', '--input', '@input.json', '--input', 'from=pair', '--input', 'count:=3', '--json'])
    expect(ran.json).toMatchObject({ input: { from: 'pair', kept: 1, count: 3 } })
    const piped = await cli(['run', name, '--input', '-', '--json'], { stdin: '[1, 2]' })
    expect(piped.json).toMatchObject({ input: [1, 2], query: '' })
  })

  it('is streamed as text, and as events for programs', async () => {
    const name = fresh('streamed')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }), { environment: 'development' })
    const { stdout, stderr } = await cli(['run', name, 'Hi', '--stream'])
    expect(stdout).toContain('You asked: Hi')
    expect(stderr).toMatch(/· started on release 1 in development/)
    const events = (await cli(['run', name, 'Hi', '--jsonl'])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number; type: string; status?: string })
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
    expect(events.at(-1)).toMatchObject({ type: 'status', status: 'completed' })
  })

  it('is detached, listed, tailed and cancelled', async () => {
    const name = fresh('followed')
    await studio.deployed(name, slow, { environment: 'development' })
    const { stdout } = await cli(['run', name, 'x', '--detach'])
    const id = stdout.trim()
    await until(async () => (await studio.call('GET', `/api/executions/${id}`)).body.status === 'running', 'the execution to run')
    expect((await cli(['exec', 'list', name, '--status', 'running', '-o', 'name'])).stdout).toBe(`${id}\n`)
    expect((await cli(['exec', 'cancel', id, '--json'])).json).toMatchObject({ execution_id: id, status: 'cancelled' })
    const tailed = await runCli(['tail', name, '--jsonl'], { folder, url: studio.url })
    expect(tailed.code).toBe(1)
    expect(JSON.parse(tailed.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ type: 'status', status: 'error', execution_id: id })
    expect((await cli(['exec', 'list', name, '--since', '1h', '--limit', '1', '--json'])).json).toMatchObject([{ execution_id: id }])
  })

  it('that waits for a person is approved, with its comment', async () => {
    const name = fresh('asking')
    const steps = [{ step_id: 'ok', step_type: 'approval', config: { message: 'Ship it?' } }]
    await studio.deployed(name, { steps }, { environment: 'development' })
    const id = (await cli(['run', name, 'x', '--detach'])).stdout.trim()
    await until(
      async () => (await studio.call('GET', '/api/approvals')).body.some((one: { execution_id: string }) => one.execution_id === id),
      'the approval',
    )
    expect((await cli(['approvals', 'list'])).stdout).toContain('Ship it?')
    expect((await cli(['approvals', 'approve', id, '--comment', 'Seen', '--json'])).json).toEqual({
      execution_id: id,
      step_id: 'ok',
      decision: 'approved',
    })
    expect((await cli(['tail', id])).stdout).toContain('completed')
    const again = await runCli(['approvals', 'reject', id], { folder, url: studio.url })
    expect(again.code).toBe(5)
  })
})

describe('secrets and variables', () => {
  it('are set from the standard input, and secrets are never shown', async () => {
    const stored = await cli(['secret', 'set', 'CRM_TOKEN', '--env', 'development', '--json'], { stdin: 'a very secret value\n' })
    expect(stored.json).toMatchObject({ name: 'CRM_TOKEN', version: 1 })
    expect((await cli(['secret', 'list', '--json'])).stdout).not.toContain('very secret')
    await cli(['variable', 'set', 'CRM_URL', 'https://crm.example', '--env', 'development'])
    expect((await cli(['variable', 'get', 'CRM_URL', '--env', 'development'])).stdout).toBe('https://crm.example\n')
    const taken = await runCli(['variable', 'set', 'CRM_URL', 'other', '--env', 'development', '--new'], { folder, url: studio.url })
    expect(taken.code).toBe(5)
    await cli(['variable', 'delete', 'CRM_URL', '--env', 'development', '--yes'])
    await cli(['secret', 'delete', 'CRM_TOKEN', '--env', 'development', '--yes'])
    expect((await cli(['secret', 'list'])).stderr).toContain('There are no secrets.')
  })
})

describe('the output', () => {
  it('is a table without colours and without cuts where no terminal is', async () => {
    const name = `${fresh('wide')}-${'x'.repeat(100)}`
    await studio.deployed(name, echo, { environment: 'development' })
    const { stdout } = await cli(['list', '--status', 'active'])
    expect(stdout).toContain(name)
    expect(stdout).toMatch(/^NAME +ENVIRONMENT +STATUS +RELEASE/)
    expect(stdout).not.toContain('\u001b')
    const coloured = await cli(['list'], { env: { FORCE_COLOR: '1' } })
    expect(coloured.stdout).toContain('\u001b[32mactive')
    const plain = await cli(['list'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
    expect(plain.stdout).not.toContain('\u001b')
  })

  it('comes in machine formats with the values as the API gives them', async () => {
    const { body } = await studio.call('GET', '/api/workflows/deployments?q=hello')
    expect((await cli(['list', 'hello', '--json'])).json).toEqual(body)
    expect(parse((await cli(['list', 'hello', '-o', 'yaml'])).stdout)).toEqual(body)
    expect(
      (await cli(['list', 'hello', '-o', 'jsonl'])).stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(body)
    expect((await cli(['list', 'hello', '-o', 'wide'])).stdout).toContain('DIGEST')
  })

  it('is data alone on the standard output, and can be quiet beside it', async () => {
    const { stdout, stderr } = await cli(['run', 'hello', 'x', '--quiet'])
    expect(stdout).toContain('You asked: x')
    expect(stderr).toBe('')
  })

  it('is taken from whoever stops reading, without a complaint', async () => {
    const program = join(import.meta.dirname, '../bin/agent-studio.js')
    const { status, stderr } = spawnSync('sh', ['-c', `"$NODE" "${program}" api GET /openapi.json | head -c 1 > /dev/null`], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', NODE: process.execPath, HOME: folder, AGENT_STUDIO_URL: studio.url },
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it.runIf(existsSync('/dev/full'))('that cannot be written is a fault, said in a line', async () => {
    const program = join(import.meta.dirname, '../bin/agent-studio.js')
    const { status, stderr } = spawnSync('sh', ['-c', `"$NODE" "${program}" api GET /healthz > /dev/full`], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', NODE: process.execPath, HOME: folder, AGENT_STUDIO_URL: studio.url },
    })
    expect({ status, stderr }).toEqual({
      status: 70,
      stderr: expect.stringMatching(/^Error: what was found cannot be written: ENOSPC.*\n$/),
    })
  })
})

describe('a name from elsewhere', () => {
  it('cannot steer the terminal of whoever is asked or told', async () => {
    const name = `${fresh('loud')}\u001b]0;title\u0007\u009b2J`
    const workflow_id = await studio.workflow(echo, { name })
    const { code, stderr } = await runCli(['workflow', 'delete', workflow_id], { folder, url: studio.url })
    expect(code).toBe(6)
    expect(stderr).toContain(']0;title')
    // oxlint-disable-next-line no-control-regex
    expect(stderr).not.toMatch(/[\u0007\u001b\u009b]/)
  })

  it('is completed as a word that bash does not run', async () => {
    const { stdout: script } = await cli(['completion', 'bash'])
    const names = [`agent-studio() { printf '%s\\n' '$(touch ran)' 'two words'; }`, 'COMP_WORDS=(agent-studio deploy "")', 'COMP_CWORD=2']
    const lines = [script, ...names, '_agent_studio', 'for word in "${COMPREPLY[@]}"; do eval "printf \'%s\\n\' $word"; done']
    const { stdout } = spawnSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8', cwd: folder })
    expect(stdout).toBe('$(touch ran)\ntwo words\n')
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })
})

describe('any request', () => {
  it('is sent with the address of the settings, and its problem gives the exit code', async () => {
    expect((await cli(['api', 'GET', '/healthz'])).json).toEqual({ status: 'ok' })
    const made = await cli(['api', 'post', '/api/agents', '--data', '-'], { stdin: '{"name": "Editor"}' })
    expect(made.json).toMatchObject({ name: 'Editor' })
    expect((await runCli(['api', 'GET', '/api/nothing'], { folder, url: studio.url })).code).toBe(3)
  })
})

describe('the help', () => {
  it('of a command begins with what it does and examples', async () => {
    const { stdout } = await cli(['deploy', '--help'])
    expect(stdout).toMatch(/^Deploy a workflow under a name\.\n/)
    expect(stdout).toContain('agent-studio deploy Poet --env production')
  })

  it('of everything lists the commands of the server and those that ask one', async () => {
    const { stdout } = await cli(['--help'])
    expect(stdout).toContain('agent-studio secret keygen <file>')
    expect(stdout).toContain('agent-studio rollback <name>')
    expect(stdout).toContain('AGENT_STUDIO_DATA_DIR')
  })

  it('of the completion: names, options and choices, and nothing where nobody answers', async () => {
    const names = async (...words: string[]) => (await cli(['completion', 'names', '--', ...words])).stdout.trimEnd().split('\n')
    expect(await names('sto')).toEqual(['stop'])
    expect(await names('deployment', 'st')).toEqual(['stop'])
    expect(await names('run', 'hel')).toEqual(['hello'])
    expect(await names('stop', 'hello', '--mode', '')).toEqual(['drain', 'cancel', 'freeze'])
    expect(await names('stop', 'hello', '--de')).toEqual(['--deadline'])
    const silent = await cli(['completion', 'names', '--', 'run', ''], {
      url: 'http://127.0.0.1:1',
      env: { XDG_CACHE_HOME: join(folder, 'other-cache') },
    })
    expect(silent).toMatchObject({ stdout: '', stderr: '' })
    for (const shell of ['bash', 'zsh', 'fish']) expect((await cli(['completion', shell])).stdout).toContain('completion names')
  })
})
