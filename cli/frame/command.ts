import type { Call } from './call.ts'
import type { ExitCode } from './exit.ts'

/** What a shell may complete a word with; the names come from the server. */
export type Completion = 'deployments' | 'workflows' | 'environments' | 'profiles' | 'files'

export interface Option {
  /** What its value is called in the help; without it the option is a switch. */
  value?: string
  short?: string
  text: string
  /** May be given several times. */
  many?: true
  choices?: readonly string[]
  complete?: Completion
}

export interface Argument {
  name: string
  text: string
  optional?: true
  /** Takes all that is left. */
  many?: true
  choices?: readonly string[]
  complete?: Completion
}

/** One command as data: help, completion, docs/cli.md and the reading of the call are made from it. */
export interface Command {
  /** `deployment list`. */
  path: string
  /** Shorter ways to say it. */
  aliases?: readonly string[]
  summary: string
  /** What else there is to know, in sentences. */
  notes?: readonly string[]
  arguments?: readonly Argument[]
  options?: Readonly<Record<string, Option>>
  /** Calls without the leading `agent-studio`; the first one is the usual one. */
  examples: readonly (readonly [call: string, text: string])[]
  /** Not shown to people. */
  hidden?: true
  /** Loads what it needs when it runs. @returns the exit code; without one it is 0 */
  run: (call: Call) => Promise<ExitCode | void>
}

/** What every command takes. */
export const globalOptions: Readonly<Record<string, Option>> = {
  json: { text: 'print one JSON document, also for errors' },
  output: {
    short: 'o',
    value: 'format',
    text: 'table, wide, name, json, jsonl or yaml',
    choices: ['table', 'wide', 'name', 'json', 'jsonl', 'yaml'],
  },
  url: { value: 'url', text: 'the server, such as http://localhost:8000' },
  profile: { short: 'p', value: 'name', text: 'a profile of config.toml', complete: 'profiles' },
  quiet: { short: 'q', text: 'say nothing on the way' },
  help: { short: 'h', text: 'print what the command does' },
}

export const environmentOption: Option = {
  short: 'e',
  value: 'environment',
  text: 'the environment; without it the one of the profile',
  complete: 'environments',
}
export const yesOption: Option = { short: 'y', text: 'do not ask' }
