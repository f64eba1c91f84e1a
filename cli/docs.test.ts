import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withCommands } from '../scripts/cli-docs.ts'
import { commands } from './catalogue/commands.ts'
import { EXIT } from './frame/exit.ts'
import { readCall } from './frame/read-call.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/cli.md'), 'utf8')

describe('docs/cli.md', () => {
  it('has every command as it is; otherwise run `node scripts/cli-docs.ts`', () => {
    expect(page).toBe(withCommands(page))
  })

  it('has every exit code', () => {
    const listed = [...page.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code))
    expect(listed).toEqual(Object.values(EXIT))
  })
})

/** As a shell would, for the quotes that examples have. */
function words(line: string): string[] {
  const [call] = line.split(/ (?:<|>|>>|\|) /)
  return [...call!.matchAll(/"([^"]*)"|'([^']*)'|(\S+?)=(?:"([^"]*)")|(\S+)/g)].map(([, double, single, key, value, plain]) =>
    key === undefined ? (double ?? single ?? plain)! : `${key}=${value}`,
  )
}

describe('each command', () => {
  it.each(commands.map((command) => [command.path, command] as const))('%s has examples that are calls of it', (_, command) => {
    expect(command.examples.length).toBeGreaterThan(0)
    for (const [line] of command.examples) expect(readCall(commands, words(line)), line).toMatchObject({ command: { path: command.path } })
  })

  it('is found by its path and its aliases, which no other has', () => {
    const all = commands.flatMap(({ path, aliases = [] }) => [path, ...aliases])
    expect(all.filter((path, index) => all.indexOf(path) !== index)).toEqual([])
  })

  it('takes a value for an option as the others do, so that it may stand before the command', () => {
    const takes = new Map<string, boolean>()
    for (const { path, options = {} } of commands) {
      for (const [name, { value, short }] of Object.entries(options)) {
        for (const one of [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]) {
          expect(takes.get(one) ?? value !== undefined, `${one} of ${path}`).toBe(value !== undefined)
          takes.set(one, value !== undefined)
        }
      }
    }
  })
})
