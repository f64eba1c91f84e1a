import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Call } from '../frame/call.ts'
import { globalOptions, type Command, type Completion, type Option } from '../frame/command.ts'
import { EXIT } from '../frame/exit.ts'
import { localPaths } from '../frame/local-paths.ts'
import { harmless } from '../output/terminal.ts'
import { readConfigFile } from '../settings/files.ts'
import { allDeployments, allWorkflows } from './find.ts'

/** The script that a shell loads. It asks this program for what fits, so it never grows old. */
export function printCompletion(call: Call): void {
  call.terminal.write(scripts[call.needed('shell') as keyof typeof scripts])
}

const scripts = {
  bash: `# agent-studio completion for bash: source <(agent-studio completion bash)
_agent_studio() {
  local IFS=$'\\n' word="\${COMP_WORDS[COMP_CWORD]}" name
  COMPREPLY=()
  while read -r name; do
    COMPREPLY+=("$(printf %q "$name")")
  done < <(agent-studio completion names -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 0 ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _agent_studio agent-studio
`,
  zsh: `#compdef agent-studio
# agent-studio completion for zsh: agent-studio completion zsh > "\${fpath[1]}/_agent-studio"
_agent_studio() {
  local -a found
  found=("\${(@f)$(agent-studio completion names -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
if [[ "$funcstack[1]" == "_agent-studio" ]]; then _agent_studio; else compdef _agent_studio agent-studio; fi
`,
  fish: `# agent-studio completion for fish: agent-studio completion fish | source
function __agent_studio
    set -l words (commandline -opc) (commandline -ct)
    agent-studio completion names -- $words[2..-1] 2>/dev/null
end
complete -c agent-studio -f -a '(__agent_studio)'
`,
}

/** Prints what the last word may become, one a line. Silent where nothing is known, or nobody answers. */
export async function printNames(call: Call): Promise<void> {
  const words = call.rest('words')
  const begun = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  // Who presses a key waits for nobody.
  setTimeout(() => process.exit(EXIT.done), LONGEST).unref()
  try {
    const found = await candidates(call, before, begun)
    for (const one of new Set(found)) if (one.startsWith(begun) && isOneLine(one)) call.terminal.line(one)
  } catch {
    // A shell that completes has no place for errors.
  }
}

/** Milliseconds. */
const LONGEST = 2_000

/** A name may have anything in it, and a shell reads lines. */
function isOneLine(name: string): boolean {
  return harmless(name) === name && !/[\t\n]/.test(name)
}

async function candidates(call: Call, before: readonly string[], begun: string): Promise<string[]> {
  const plain = before.filter((word) => !word.startsWith('-'))
  const command = commandOf(call.commands, plain)
  const options: Record<string, Option> = { ...globalOptions, ...command?.options }
  const asked = optionOf(options, before.at(-1))
  if (asked?.value !== undefined) return asked.choices ? [...asked.choices] : names(call, asked.complete)
  if (begun.startsWith('-')) return Object.keys(options).map((name) => `--${name}`)
  if (!command) return nextWords(call.commands, plain)
  const length = [command.path, ...(command.aliases ?? [])].find((path) => plain.join(' ').startsWith(path))!.split(' ').length
  const argument = command.arguments?.[plain.length - length]
  return argument?.choices ? [...argument.choices] : names(call, argument?.complete)
}

function commandOf(commands: readonly Command[], words: readonly string[]): Command | undefined {
  for (const length of [2, 1]) {
    const path = words.slice(0, length).join(' ')
    const found = words.length >= length && commands.find((one) => one.path === path || one.aliases?.includes(path))
    if (found) return found
  }
  return undefined
}

function optionOf(options: Readonly<Record<string, Option>>, word: string | undefined): Option | undefined {
  if (word?.startsWith('--')) return options[word.slice(2)]
  return word?.startsWith('-') ? Object.values(options).find(({ short }) => short === word.slice(1)) : undefined
}

function nextWords(commands: readonly Command[], words: readonly string[]): string[] {
  const paths = [...commands.filter(({ hidden }) => !hidden).flatMap(({ path, aliases = [] }) => [path, ...aliases]), ...localPaths]
  const begin = words.join(' ')
  const fitting = words.length === 0 ? paths : paths.filter((path) => path.startsWith(`${begin} `))
  return fitting.map((path) => path.split(' ')[words.length]!)
}

/** Names are kept so long, in milliseconds: each key press asks for them. */
const KEEP = 10_000

async function names(call: Call, what: Completion | undefined): Promise<string[]> {
  if (what === undefined || what === 'files') return []
  if (what === 'profiles') return Object.keys(readConfigFile().profiles)
  const { url, profile } = call.settings
  const id = createHash('sha256').update(`${url.value} ${profile?.value} ${what}`).digest('hex').slice(0, 16)
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? homedir(), '.cache'), 'agent-studio')
  const file = join(folder, `names-${id}.json`)
  const kept = readKept(file)
  if (kept) return kept
  const found = await ask(call, what)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(file, JSON.stringify({ at: Date.now(), names: found }), { mode: 0o600 })
  return found
}

function readKept(file: string): string[] | undefined {
  try {
    const { at, names: kept } = JSON.parse(readFileSync(file, 'utf8')) as { at: number; names: string[] }
    return Math.abs(Date.now() - at) < KEEP ? kept : undefined
  } catch {
    return undefined
  }
}

async function ask(call: Call, what: Exclude<Completion, 'files' | 'profiles'>): Promise<string[]> {
  if (what === 'workflows') return (await allWorkflows(call)).map(({ name }) => name)
  const deployments = await allDeployments(call)
  return deployments.map((one) => (what === 'environments' ? one.environment : one.deployment_name))
}
