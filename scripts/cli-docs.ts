// Writes the commands into docs/cli.md, between the two marks: `node scripts/cli-docs.ts`. A test fails while they differ.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from '../cli/catalogue/commands.ts'
import { globalOptions, type Command } from '../cli/frame/command.ts'
import { optionLine, usage } from '../cli/frame/help.ts'

const page = join(import.meta.dirname, '../docs/cli.md')
const BEGIN = '<!-- commands: written by scripts/cli-docs.ts -->'
const END = '<!-- end of the commands -->'

/** @param text the whole page */
export function withCommands(text: string): string {
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (before === -1 || after === -1) throw new Error(`${page} has no place for the commands`)
  return `${text.slice(0, before + BEGIN.length)}\n\n${renderCommands()}\n${text.slice(after)}`
}

function renderCommands(): string {
  const shown = commands.filter(({ hidden }) => !hidden)
  const everywhere = ['### Everywhere', '', ...optionTable(globalOptions), '']
  return [...everywhere, ...shown.flatMap(renderCommand)].join('\n')
}

function renderCommand(command: Command): string[] {
  const { path, aliases = [], summary, notes = [], arguments: args = [], options = {}, examples } = command
  return [
    `### ${path}`,
    '',
    [
      `${summary}.`,
      ...notes,
      ...(aliases.length > 0 ? [`Also: ${aliases.map((alias) => `\`agent-studio ${alias}\``).join(', ')}.`] : []),
    ].join(' '),
    '',
    '```bash sample',
    `# ${usage(command)}`,
    ...examples.flatMap(([call, text]) => [`# ${text}`, `agent-studio ${call}`]),
    '```',
    '',
    ...(args.length + Object.keys(options).length > 0 ? ['| | |', '|---|---|'] : []),
    ...args.map(({ name, text, choices }) => `| \`<${name}>\` | ${cell(choices ? `${text}: ${choices.join(', ')}` : text)} |`),
    ...rows(options),
    ...(args.length + Object.keys(options).length > 0 ? [''] : []),
  ]
}

function optionTable(options: Command['options']): string[] {
  return ['| | |', '|---|---|', ...rows(options)]
}

function rows(options: Command['options'] = {}): string[] {
  return Object.entries(options)
    .map(optionLine)
    .map(([flag, text]) => `| \`${flag.trim()}\` | ${cell(text)} |`)
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

if (import.meta.main) writeFileSync(page, withCommands(readFileSync(page, 'utf8')))
