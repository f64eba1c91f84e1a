import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../test/support/cli.ts'
import { removeFolder, temporaryFolder } from '../test/support/server.ts'

/** Nobody listens there, so nothing but the settings is looked at. */
const NOWHERE = 'http://127.0.0.1:1'
const KEY = `as_${'a'.repeat(12)}_${'b'.repeat(49)}`

let folder = temporaryFolder()
beforeEach(() => {
  removeFolder(folder)
  folder = temporaryFolder()
})
afterAll(() => removeFolder(folder))

interface Fact {
  value: string | null
  source: string | null
}
type Who = Record<'profile' | 'url' | 'environment' | 'output' | 'api_key', Fact> & { check: { ok: boolean } }

async function whoami(env: Record<string, string> = {}, args: readonly string[] = []): Promise<Who> {
  const result = await runCli(['whoami', '--json', ...args], { folder, env })
  expect(result.code, result.stderr).toBe(7)
  return result.json as Who
}

function write(name: string, text: string, mode = 0o600): void {
  mkdirSync(join(folder, 'config'), { recursive: true })
  writeFileSync(join(folder, name), text, { mode })
}

describe('each setting', () => {
  it('is a flag, else a variable, else of the project, else of the profile, else the default; and says which', async () => {
    const config = join(folder, 'config/config.toml')
    const project = join(folder, 'agent-studio.toml')
    expect((await whoami({ AGENT_STUDIO_URL: NOWHERE })).environment).toEqual({ value: null, source: null })
    write('config/config.toml', `profile = "local"\n[profiles.local]\nurl = "${NOWHERE}"\nenvironment = "of-profile"\n`)
    expect(await whoami()).toMatchObject({
      profile: { value: 'local', source: config },
      url: { value: NOWHERE, source: "profile 'local'" },
      environment: { value: 'of-profile', source: "profile 'local'" },
      output: { value: 'json', source: '--output' },
    })
    write('agent-studio.toml', 'environment = "of-project"\n')
    expect((await whoami()).environment).toEqual({ value: 'of-project', source: project })
    expect((await whoami({ AGENT_STUDIO_ENV: 'of-variable' })).environment).toEqual({ value: 'of-variable', source: 'AGENT_STUDIO_ENV' })
    const flagged = await whoami({ AGENT_STUDIO_URL: 'http://127.0.0.1:2' }, ['--url', NOWHERE])
    expect(flagged.url).toEqual({ value: NOWHERE, source: '--url' })
  })

  it('is found in the project from any folder within it', async () => {
    write('agent-studio.toml', `url = "${NOWHERE}"\n`)
    mkdirSync(join(folder, 'deep/er'), { recursive: true })
    const result = await runCli(['whoami', '--json'], { folder: join(folder, 'deep/er') })
    expect(result.json).toMatchObject({ url: { value: NOWHERE, source: join(folder, 'agent-studio.toml') } })
  })

  it.each([
    ['config/config.toml', 'profile = ', /is no TOML/],
    ['config/config.toml', 'profil = "x"', /Did you mean 'profile'\?/],
    ['config/config.toml', '[profiles.x]\nulr = "x"', /profile 'x' has 'ulr'/],
    ['config/config.toml', 'profile = "gone"', /no profile 'gone'/],
    ['config/config.toml', 'profiles = 3', /a table for each profile/],
    ['agent-studio.toml', 'url = 3', /'url' is a text/],
    ['agent-studio.toml', 'output = "xml"', /one of table/],
    ['agent-studio.toml', 'api_key = "as_x"', /holds a key, and files of projects are shared/],
  ])('of %s that makes no sense (%j) is named with its file', async (name, text, said) => {
    write(name, text)
    const { code, stderr } = await runCli(['whoami'], { folder })
    expect(code).toBe(2)
    expect(stderr).toMatch(said)
  })
})

describe('the output of a profile', () => {
  it('is that of errors as well, unless the call says otherwise', async () => {
    await runCli(['profile', 'set', 'local', '--url', NOWHERE, '-o', 'json'], { folder })
    const refused = await runCli(['run', 'hello'], { folder })
    expect(refused.code).toBe(2)
    expect(refused.error.code).toBe('usage')
    expect((await runCli(['run', 'hello', '-o', 'table'], { folder })).stderr).toMatch(/^Error: /)
  })
})

describe('a key', () => {
  it('is kept apart from the other settings, for its owner alone, and shown by its public part', async () => {
    const args = ['profile', 'set', 'local', '--url', NOWHERE, '--environment', 'development', '--key-stdin']
    expect((await runCli(args, { folder, stdin: `${KEY}\n` })).code).toBe(0)
    const [config, credentials] = [join(folder, 'config/config.toml'), join(folder, 'config/credentials.toml')]
    expect(readFileSync(config, 'utf8')).not.toContain(KEY)
    expect(statSync(credentials).mode & 0o777).toBe(0o600)
    const who = await whoami()
    expect(who.api_key).toEqual({ value: `as_${'a'.repeat(12)}_…`, source: `${credentials}, profile 'local'` })
    const doctor = await runCli(['doctor'], { folder })
    expect(doctor.stdout + doctor.stderr).not.toContain('bbb')
  })

  it('of a profile is not sent to another address', async () => {
    await runCli(['profile', 'set', 'local', '--url', NOWHERE, '--key-stdin'], { folder, stdin: KEY })
    const elsewhere = await whoami({}, ['--url', 'http://127.0.0.1:2'])
    expect(elsewhere.api_key).toEqual({ value: null, source: expect.stringContaining('is not sent to http://127.0.0.1:2') })
    expect((await whoami({}, ['--url', `${NOWHERE}/`])).api_key.value).toMatch(/^as_a/)
  })

  it('of the environment is not sent to an address that only a project names', async () => {
    write('agent-studio.toml', `url = "${NOWHERE}"\n`)
    expect((await whoami({ AGENT_STUDIO_API_KEY: KEY })).api_key).toEqual({ value: null, source: expect.stringContaining('only') })
    expect((await whoami({ AGENT_STUDIO_API_KEY: KEY, AGENT_STUDIO_URL: NOWHERE })).api_key).toMatchObject({
      source: 'AGENT_STUDIO_API_KEY',
    })
  })

  it('that cannot be one is not shown by saying so', async () => {
    const { code, stdout, stderr } = await runCli(['list'], { folder, url: NOWHERE, env: { AGENT_STUDIO_API_KEY: 'as_hidden\nhidden' } })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('AGENT_STUDIO_API_KEY has a space')
    expect(stderr).not.toContain('hidden')
  })

  it('is forgotten when its profile moves to another server', async () => {
    await runCli(['profile', 'set', 'local', '--url', NOWHERE, '--key-stdin'], { folder, stdin: KEY })
    const moved = await runCli(['profile', 'set', 'local', '--url', 'http://127.0.0.1:2'], { folder })
    expect(moved.stderr).toContain('was forgotten')
    expect((await whoami()).api_key.value).toBeNull()
  })
})

describe('profiles', () => {
  it('are made, used, listed and deleted', async () => {
    await runCli(['profile', 'set', 'one', '--url', NOWHERE], { folder })
    await runCli(['profile', 'set', 'two', '--url', 'http://127.0.0.1:2', '-o', 'yaml'], { folder })
    const listed = async () => (await runCli(['profile', 'list', '-o', 'json'], { folder })).json
    expect(await listed()).toEqual([
      { name: 'one', in_use: true, url: NOWHERE, key: false },
      { name: 'two', in_use: false, url: 'http://127.0.0.1:2', output: 'yaml', key: false },
    ])
    expect((await runCli(['profile', 'use', 'two'], { folder })).code).toBe(0)
    expect((await whoami()).url.value).toBe('http://127.0.0.1:2')
    expect((await whoami({}, ['--profile', 'one'])).url.value).toBe(NOWHERE)
    const unknown = await runCli(['profile', 'use', 'tow'], { folder })
    expect(unknown.code).toBe(3)
    expect(unknown.stderr).toContain("Did you mean 'two'?")
    expect((await runCli(['profile', 'delete', 'two'], { folder })).code).toBe(0)
    expect(await listed()).toMatchObject([{ name: 'one' }])
  })
})
