import { globalOptions, type Command, type Option } from './command.ts'

/** What `--help` says of one command: what it does, first of all by examples. */
export function commandHelp(command: Command): string {
  const { path, aliases = [], summary, notes = [], examples, options = {}, arguments: args = [] } = command
  return [
    `${summary}.`,
    ...notes,
    '',
    ...examples.flatMap(([call, text]) => [`  agent-studio ${call}`, `      ${text}`]),
    '',
    `Usage: ${usage(command)}`,
    ...(aliases.length > 0 ? [`       also: ${aliases.map((alias) => `agent-studio ${alias}`).join(', ')}`] : []),
    ...(args.length > 0
      ? ['', ...inColumns(args.map(({ name, text, choices }) => [`<${name}>`, choices ? `${text}: ${choices.join(', ')}` : text]))]
      : []),
    ...(Object.keys(options).length > 0 ? ['', 'Options', ...inColumns(Object.entries(options).map(optionLine))] : []),
    '',
    'Everywhere',
    ...inColumns(Object.entries(globalOptions).map(optionLine)),
    '',
    `More: docs/cli.md#${path.replaceAll(' ', '-')}`,
  ].join('\n')
}

export function usage({ path, arguments: args = [], options = {} }: Command): string {
  const words = args.map(({ name, optional, many }) => `${optional ? '[' : ''}<${name}>${many ? ' …' : ''}${optional ? ']' : ''}`)
  return ['agent-studio', path, ...words, ...(Object.keys(options).length > 0 ? ['[options]'] : [])].join(' ')
}

export function optionLine([name, { value, short, text, choices }]: [string, Option]): [string, string] {
  const flag = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`
  return [flag, choices && !choices.every((one) => text.includes(one)) ? `${text}: ${choices.join(', ')}` : text]
}

/** Of the commands that begin with these words: one line each. */
export function groupHelp(commands: readonly Command[], words: readonly string[]): string {
  const begin = words.join(' ')
  const within = commands.filter(({ path }) => path.startsWith(`${begin} `))
  return [
    `agent-studio ${begin} …`,
    '',
    ...inColumns(within.map((command) => [usage(command).replace('agent-studio ', ''), command.summary])),
    '',
    `agent-studio ${begin} <verb> --help shows examples; agent-studio --help has also what works on the data folder itself.`,
  ].join('\n')
}

/** One line for each command, for the help of everything. */
export function overview(commands: readonly Command[]): [call: string, text: string][] {
  return commands.map((command) => [
    usage(command).replace('agent-studio ', '').replace(' [options]', ''),
    command.summary.toLowerCase().slice(0, 1) + command.summary.slice(1),
  ])
}

function inColumns(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
