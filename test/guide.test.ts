import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settings } from '../src/config.ts'
import { anchor } from '../src/http/markdown.ts'
import { demoPhrases } from '../src/models/demo-phrases.ts'
import { difference, readPage, runnableBlocks, type RunnableBlock } from './support/doc-blocks.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { hasCommand, ShellSession } from './support/shell-session.ts'

const hasBash = hasCommand('bash') && hasCommand('curl')
const hasPython = hasCommand('python3')

/** Every block of a page in its order against a server of its own; each is a test, named by its line. */
function describePage(page: string, languages: readonly string[]): void {
  describe(page, () => {
    const folder = temporaryFolder()
    let server: TestServer
    const sessions = new Map<string, ShellSession>()

    beforeAll(async () => {
      server = await startServer(folder)
      const options = { folder, env: { BASE: server.url } }
      if (hasBash) sessions.set('bash', ShellSession.bash(options))
      if (hasPython) sessions.set('python', ShellSession.python(options))
    })
    afterAll(async () => {
      for (const session of sessions.values()) session.end()
      await server.stop()
      removeFolder(folder)
    })

    for (const block of runnableBlocks(readPage(page), languages)) {
      const isMissing = block.language === 'bash' ? !hasBash : !hasPython
      const why = isMissing ? ` (skipped: no ${block.language === 'bash' ? 'bash or no curl' : 'python3'} on this machine)` : ''
      it.skipIf(isMissing)(`line ${block.line}: the ${block.language} block does what the page says${why}`, async () => {
        await runBlock(page, block, sessions.get(block.language)!, server.url)
      })
    }
  })
}

async function runBlock(page: string, block: RunnableBlock, session: ShellSession, url: string): Promise<void> {
  // The README is read with the port that everybody has; the guide takes its address from the environment.
  const code = block.code.replaceAll('localhost:8000', new URL(url).host)
  const output = await session.run({ ...block, code })
  const different = block.expected && difference(block.expected, output)
  if (different) expect.fail(`${page}, line ${block.expected!.line}, shows something else than line ${block.line} gives: ${different}`)
}

describePage('README.md', ['bash'])
describePage('docs/guide.md', ['bash', 'python'])

describe('what the pages list', () => {
  it('the settings in the README are those of the server', () => {
    const rows = [...readPage('README.md').matchAll(/^\| `([A-Z_]+)` \| (\S+) \|/gm)].map(([, name, value]) => [name, value])
    expect(rows).toEqual(settings.map(({ name, default: value }) => [name, value === 'none' ? 'none' : `\`${value}\``]))
  })

  it("the demo model's phrases in the guide are those that it knows", () => {
    const rows = [...readPage('docs/guide.md').matchAll(/^\| `(\w[\w ]+)` \| [A-Z]/gm)].map(([, phrase]) => phrase)
    expect(rows).toEqual(demoPhrases.map(({ phrase }) => phrase))
  })

  it.each(['README.md', 'docs/guide.md', 'docs/errors.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])('the links of %s lead somewhere', (page) => {
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
