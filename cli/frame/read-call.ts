import { parseArgs } from 'node:util'
import { globalOptions, type Command, type Option } from './command.ts'
import { wrongCall, type CommandFailed } from './exit.ts'
import { localPaths } from './local-paths.ts'
import { nearest } from './suggest.ts'

export type Values = Record<string, string | boolean | string[] | undefined>

export interface ReadCall {
  command: Command
  values: Values
  args: string[]
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number]

/**
 * Finds the command that is called, and reads its options and arguments.
 * @returns words where they are no command, but the beginning of some, or nothing at all
 * @throws CommandFailed with what was probably meant
 */
export function readCall(commands: readonly Command[], args: readonly string[]): ReadCall | { words: string[]; values: Values } {
  const every = Object.assign({}, globalOptions, ...commands.map(({ options }) => options ?? {})) as Record<string, Option>
  // Options may stand anywhere, also before the command, so it is looked for among what is no option.
  const { words } = tokensOf(args, every)
  const found = findCommand(commands, words)
  if (!found) return { words, values: readValues(tokensOf(args, every).options, every, '') }
  const known = { ...globalOptions, ...found.command.options }
  const { words: all, options } = tokensOf(args, known)
  const values = readValues(options, known, found.command.path)
  const rest = all.slice(found.length)
  if (values['help'] !== true) checkArguments(found.command, rest)
  return { command: found.command, values, args: rest }
}

function findCommand(commands: readonly Command[], words: readonly string[]): { command: Command; length: number } | undefined {
  for (const length of [3, 2, 1]) {
    const path = words.slice(0, length).join(' ')
    const command = words.length >= length && commands.find((one) => one.path === path || one.aliases?.includes(path))
    if (command) return { command, length }
  }
  return undefined
}

function tokensOf(args: readonly string[], known: Readonly<Record<string, Option>>) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { value, short, many }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short !== undefined && { short }),
        ...(many && { multiple: true }),
      },
    ]),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  return {
    words: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])),
    options: tokens.filter((token) => token.kind === 'option'),
  }
}

function readValues(tokens: readonly Extract<Token, { kind: 'option' }>[], known: Readonly<Record<string, Option>>, path: string): Values {
  const values: Values = {}
  for (const { name, rawName, value, inlineValue } of tokens) {
    const option = Object.hasOwn(known, name) ? known[name] : undefined
    if (!option) throw unknownOption(rawName, name, known, path)
    if (option.value === undefined) {
      if (value !== undefined) throw wrongCall(`${rawName} takes no value.`)
      values[name] = true
      continue
    }
    if (value === undefined || (!inlineValue && value.startsWith('-') && value !== '-'))
      throw wrongCall(`${rawName} needs a value: ${rawName} <${option.value}>.`)
    if (option.choices && !option.choices.includes(value)) throw notAChoice(rawName, value, option.choices)
    if (!option.many && values[name] !== undefined) throw wrongCall(`${rawName} is given twice.`)
    values[name] = option.many ? [...((values[name] as string[] | undefined) ?? []), value] : value
  }
  return values
}

function unknownOption(rawName: string, name: string, known: Readonly<Record<string, Option>>, path: string): CommandFailed {
  const guess = nearest(name, Object.keys(known))
  return wrongCall(
    `There is no option ${rawName}${path === '' ? '' : ` for '${path}'`}.`,
    guess === undefined ? `agent-studio ${path} --help`.replace('  ', ' ') : `Did you mean --${guess}?`,
  )
}

function notAChoice(what: string, value: string, choices: readonly string[]): CommandFailed {
  const guess = nearest(value, choices)
  return wrongCall(`${what} is one of ${choices.join(', ')}, not '${value}'.`, guess === undefined ? undefined : `Did you mean '${guess}'?`)
}

function checkArguments({ path, arguments: wanted = [] }: Command, given: readonly string[]): void {
  const missing = wanted.find(({ optional }, index) => optional !== true && given[index] === undefined)
  if (missing) throw wrongCall(`'${path}' needs <${missing.name}>: ${missing.text}.`, `agent-studio ${path} --help`)
  const empty = wanted.find((_, index) => given[index] === '')
  if (empty) throw wrongCall(`<${empty.name}> is empty.`, `agent-studio ${path} --help`)
  if (given.length > wanted.length && wanted.at(-1)?.many !== true)
    throw wrongCall(`'${given[wanted.length]}' is one argument too many for '${path}'.`, `agent-studio ${path} --help`)
  for (const [index, { name, choices }] of wanted.entries()) {
    const value = given[index]
    if (choices && value !== undefined && !choices.includes(value)) throw notAChoice(`<${name}>`, value, choices)
  }
}

/** For words that no command has. */
export function noCommand(commands: readonly Command[], words: readonly string[]): CommandFailed {
  const paths = [...commands.filter(({ hidden }) => !hidden).flatMap(({ path, aliases = [] }) => [path, ...aliases]), ...localPaths]
  const two = words.slice(0, 2).join(' ')
  const guess = nearest(two, paths) ?? nearest(words[0]!, [...paths, ...paths.map((path) => path.split(' ')[0]!)])
  return wrongCall(
    `'${words.join(' ')}' is no command of agent-studio.`,
    guess === undefined ? "'agent-studio --help' lists the commands." : `Did you mean 'agent-studio ${guess}'?`,
  )
}
