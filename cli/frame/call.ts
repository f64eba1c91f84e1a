import { AgentStudio } from '@agent-studio/client'
import { Show, type Format } from '../output/show.ts'
import { Terminal } from '../output/terminal.ts'
import { resolveSettings, type Settings } from '../settings/settings.ts'
import type { Command } from './command.ts'
import { wrongCall } from './exit.ts'
import type { Values } from './read-call.ts'

/** Commands that are asked how it is now, and not to wait until it is better. */
const AT_ONCE = new Set(['whoami', 'doctor', 'completion names'])
/** So long they wait for one answer, in milliseconds: a server that takes the question and says nothing is not well. */
const ONE_ANSWER = 5_000

/** One call of a command: what was given, and what commands need. */
export class Call {
  readonly command: Command
  readonly terminal: Terminal
  readonly commands: readonly Command[]
  readonly #values: Values
  readonly #args: readonly string[]
  #settings: Settings | undefined
  #studio: AgentStudio | undefined
  #show: Show | undefined

  constructor(
    command: Command,
    { values, args, terminal, commands }: { values: Values; args: readonly string[]; terminal: Terminal; commands: readonly Command[] },
  ) {
    this.command = command
    this.commands = commands
    this.#values = values
    this.#args = args
    this.terminal = terminal
    if (values['quiet'] === true) terminal.beQuiet()
  }

  /** An argument by its name. */
  arg(name: string): string | undefined {
    return this.#args[this.command.arguments?.findIndex((one) => one.name === name) ?? -1]
  }

  /** One that the command cannot be called without. */
  needed(name: string): string {
    const value = this.arg(name)
    if (value === undefined) throw new Error(`'${this.command.path}' has no argument '${name}' that must be there`)
    return value
  }

  /** The last argument and all that follow it. */
  rest(name: string): readonly string[] {
    return this.#args.slice(this.command.arguments?.findIndex((one) => one.name === name))
  }

  option(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  options(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value : []
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  /** @throws CommandFailed for what is no whole number within the bounds */
  number(name: string, { least = 0, most = Number.MAX_SAFE_INTEGER } = {}): number | undefined {
    const text = this.option(name)
    if (text === undefined) return undefined
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
      throw wrongCall(`--${name} is a whole number ${bounds}, not '${text}'.`)
    }
    return value
  }

  get settings(): Settings {
    return (this.#settings ??= resolveSettings({
      url: this.option('url'),
      profile: this.option('profile'),
      environment: this.option('env'),
      output: this.flag('json') ? 'json' : this.flag('jsonl') ? 'jsonl' : this.option('output'),
    }))
  }

  /** The environment that was said or set; undefined where the server is to look in all of them. */
  get environment(): string | undefined {
    return this.settings.environment?.value
  }

  get studio(): AgentStudio {
    return (this.#studio ??= new AgentStudio({
      url: this.settings.url.value,
      apiKey: this.settings.apiKey?.value,
      onRetry: ({ reason, wait, attempt }) => attempt > 1 && this.terminal.say(`${reason.message} Trying again in ${wait.toFixed(0)} s.`),
      ...(AT_ONCE.has(this.command.path) ? { retries: 0, answerWithin: ONE_ANSWER } : { retries: 3 }),
    }))
  }

  get show(): Show {
    return (this.#show ??= new Show(this.settings.output.value as Format, this.terminal))
  }
}
