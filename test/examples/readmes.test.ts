import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { difference, readPage, runnableBlocks } from '../support/doc-blocks.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { hasCommand, ShellSession } from '../support/shell-session.ts'
import { useStudio } from '../support/studio.ts'
import { useMcpProgram, useOutside } from './outside.ts'

/** The pages of the examples, as somebody reads them who has no key: every block against one server, on the demo model. */

const pages = [
  'README.md',
  ...['order-triage', 'research', 'nightly-report', 'refund', 'mcp-assistant', 'support-desk'].map((name) => `${name}/README.md`),
]
const missing = ['bash', 'curl'].filter((command) => !hasCommand(command))
const why = missing.length > 0 ? ` (skipped: this machine has no ${missing.join(' and no ')})` : ''

it('there is a page for each example, which the first page lists', () => {
  const folders = new Set(
    globSync('*/workflow.json', { cwd: join(import.meta.dirname, '../../examples') }).map((file) => file.split('/')[0]!),
  )
  expect(new Set(pages.slice(1).map((page) => page.split('/')[0]))).toEqual(folders)
  const listed = [...readPage('examples/README.md').matchAll(/^\| \[([\w-]+)\]/gm)].map((match) => match[1]!)
  expect(new Set(listed)).toEqual(folders)
})

describe.skipIf(missing.length > 0)(`the pages of the examples${why}`, () => {
  const folder = temporaryFolder()
  const keyFile = writeKeyFile(folder)
  const outside = useOutside()
  const mcp = useMcpProgram()
  const studio = useStudio(() => ({ AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1', AGENT_STUDIO_SECRET_KEY_FILE: keyFile }))
  const sessions: ShellSession[] = []
  /** With the ports that this test has. */
  const here = (text: string): string =>
    text
      .replaceAll('http://127.0.0.1:3001/mcp', mcp.url)
      .replaceAll(/(localhost|127\.0\.0\.1):8100/g, new URL(outside.url).host)
      .replaceAll('localhost:8000', new URL(studio.url).host)

  beforeAll(() => {
    cpSync(join(import.meta.dirname, '../../examples'), join(folder, 'examples'), { recursive: true })
    for (const file of globSync('examples/*/workflow.json', { cwd: folder })) {
      const path = join(folder, file)
      writeFileSync(path, here(readFileSync(path, 'utf8')))
    }
  })
  afterAll(() => {
    for (const session of sessions) session.end()
    removeFolder(folder)
  })

  it.each(pages)('%s shows what happens', async (page) => {
    const session = ShellSession.bash({ folder, env: { HOME: folder } })
    sessions.push(session)
    for (const block of runnableBlocks(readPage(`examples/${page}`), ['bash'])) {
      const output = await session.run({ ...block, code: here(block.code) })
      const expected = block.expected && { ...block.expected, code: here(block.expected.code) }
      const different = expected && difference(expected, output)
      if (different)
        expect.fail(`examples/${page}, line ${expected.line}, shows something else than line ${block.line} gives: ${different}`)
    }
  })
})
