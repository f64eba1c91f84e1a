import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settings } from '../src/config.ts'
import { anchor } from '../src/http/markdown.ts'
import { demoPhrases } from '../src/models/demo-phrases.ts'
import { blocksOf, difference, readPage, runnableBlocks, type RunnableBlock } from './support/doc-blocks.ts'
import { writeKeyFile } from './support/secrets.ts'
import { removeFolder, runCommand, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { hasCommand, ShellSession } from './support/shell-session.ts'

const project = join(import.meta.dirname, '..')
const sessions = { bash: ShellSession.bash, python: ShellSession.python }
const commands = { bash: ['bash', 'curl'], python: ['python3'] }
type Language = keyof typeof commands

interface Page {
  languages: readonly Language[]
  /** Where a page shows no problem on purpose, an answer of 400 or more fails the block, even if its output is not compared. */
  curlrc?: string
}

/** Every block of a page in its order against a server of its own; each is a test, named by its line. */
function describePage(page: string, { languages, curlrc = '' }: Page): void {
  const missing = languages.flatMap((language) => commands[language]).filter((command) => !hasCommand(command))
  // All or nothing: the blocks of a page build on each other, whatever their language.
  const why = missing.length > 0 ? ` (skipped: this machine has no ${missing.join(' and no ')})` : ''
  describe.skipIf(missing.length > 0)(page + why, () => {
    const opened = new Map<string, ShellSession>()
    let folder: string
    let server: TestServer

    beforeAll(async () => {
      folder = temporaryFolder()
      server = await startServer(folder, { AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(folder) })
      writeFileSync(join(folder, '.curlrc'), curlrc)
      for (const language of languages)
        opened.set(
          language,
          sessions[language]({ folder, env: { BASE: server.url, HOME: folder, PROJECT: project, ...commandLine(folder, server) } }),
        )
    })
    afterAll(async () => {
      for (const session of opened.values()) session.end()
      await server.stop()
      removeFolder(folder)
    })

    for (const block of runnableBlocks(readPage(page), languages)) {
      it(`line ${block.line}: the ${block.language} block does what the page says`, async () => {
        await runBlock(page, block, opened.get(block.language)!, server.url)
      })
    }
  })
}

/** `agent-studio` as a command that asks this server, with nothing of this machine's settings. */
function commandLine(folder: string, { url }: TestServer): Record<string, string> {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'agent-studio'), `#!/bin/sh\nexec '${process.execPath}' '${join(project, 'bin/agent-studio.js')}' "$@"\n`, {
    mode: 0o755,
  })
  const PATH = `${bin}:${process.env['PATH'] ?? ''}`
  return { PATH, AGENT_STUDIO_URL: url, AGENT_STUDIO_CONFIG_DIR: join(folder, 'config') }
}

async function runBlock(page: string, block: RunnableBlock, session: ShellSession, url: string): Promise<void> {
  // The README is read with the port that everybody has; the guide takes its address from the environment.
  const code = block.code.replaceAll('localhost:8000', new URL(url).host)
  const output = await session.run({ ...block, code })
  const different = block.expected && difference(block.expected, output)
  if (different) expect.fail(`${page}, line ${block.expected!.line}, shows something else than line ${block.line} gives: ${different}`)
}

describePage('README.md', { languages: ['bash'], curlrc: 'fail-with-body' })
describePage('docs/guide.md', { languages: ['bash', 'python'] })
describePage('docs/life-cycle.md', { languages: ['bash'] })
describePage('docs/cli.md', { languages: ['bash'] })

describe('the refusals to start, as the guide quotes them', () => {
  const folder = temporaryFolder()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(folder)
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(folder)
  })

  const quoted = (begin: string) =>
    blocksOf(readPage('docs/guide.md')).find(({ mark, code }) => mark === 'sample' && code.startsWith(begin))!
  const refusal = async (env: Record<string, string>, where = folder) => {
    const { code, stderr } = await runCommand(where, ['serve'], env)
    expect(code).toBe(1)
    return stderr
  }

  it('a port that is taken', async () => {
    const { port } = new URL(server.url)
    const said = await refusal({ PORT: port })
    expect(difference(quoted('Port '), said.replace(port, '8000').replace(String(Number(port) + 1), '8001'))).toBeUndefined()
  })

  it('a folder that is in use', async () => {
    expect(difference(quoted('The data folder '), await refusal({}))).toBeUndefined()
  })

  it('a database of a newer version', async () => {
    const newer = temporaryFolder()
    mkdirSync(join(newer, '.agent-studio'))
    const database = new DatabaseSync(join(newer, '.agent-studio/agent-studio.db'))
    database.exec('pragma user_version = 999')
    database.close()
    const said = await refusal({}, newer)
    removeFolder(newer)
    expect(difference(quoted('The database '), said)).toBeUndefined()
  })

  it('a key file that others can read', async () => {
    const file = join(folder, 'open-key')
    writeFileSync(file, `${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o644 })
    expect(difference(quoted('The key file '), await refusal({ AGENT_STUDIO_SECRET_KEY_FILE: file }))).toBeUndefined()
  })

  it('an address that others can reach', async () => {
    const without = temporaryFolder()
    const said = await refusal({ HOST: '0.0.0.0' }, without)
    removeFolder(without)
    expect(difference(quoted('HOST '), said)).toBeUndefined()
  })
})

describe('what the pages list', () => {
  it('the settings in the README are those of the server', () => {
    const rows = [...readPage('README.md').matchAll(/^\| `([A-Z_]+)` \| (\S+) \|/gm)].map(([, name, value]) => [name, value])
    expect(rows).toEqual(settings.map(({ name, default: value }) => [name, value === 'none' ? 'none' : `\`${value}\``]))
  })

  it("the demo model's phrases in the guide are those that it knows", () => {
    const rows = [...readPage('docs/guide.md').matchAll(/^\| `(\w[\w ]+)` \| [A-Z]/gm)].map(([, phrase]) => phrase)
    expect(rows).toEqual(demoPhrases.map(({ phrase }) => phrase))
  })

  it.each([
    'README.md',
    'docs/guide.md',
    'docs/life-cycle.md',
    'docs/cli.md',
    'docs/errors.md',
    'docs/templates.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...globSync('examples/**/README.md', { cwd: project }),
  ])('the links of %s lead somewhere', (page) => {
    const targets = [...readPage(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
    const broken = targets.filter((target) => !/^(https?:|\/)/.test(target) && !leadsSomewhere(page, target))
    expect(broken).toEqual([])
  })
})

function leadsSomewhere(page: string, target: string): boolean {
  const [path, fragment] = target.split('#', 2) as [string, string | undefined]
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(import.meta.dirname, '..', file))) return false
  if (fragment === undefined) return true
  return [...readPage(file).matchAll(/^#+ (.+)$/gm)].some(([, title]) => anchor(title!) === fragment)
}
