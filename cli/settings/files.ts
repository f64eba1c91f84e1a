import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { CommandFailed, EXIT, wrongCall } from '../frame/exit.ts'
import { nearest } from '../frame/suggest.ts'

/** What a profile, and the file of a project, may say. */
export interface Profile {
  url?: string
  environment?: string
  output?: string
}

export interface ConfigFile {
  /** The profile in use. */
  profile?: string
  profiles: Record<string, Profile>
}

export interface ProjectFile extends Profile {
  path: string
  profile?: string
}

/** Loaded where a file is there to be read. */
const toml = (): typeof import('smol-toml') => createRequire(import.meta.url)('smol-toml') as typeof import('smol-toml')

const env = process.env

export function configFolder(): string {
  const own = env['AGENT_STUDIO_CONFIG_DIR']
  if (own) return resolve(own)
  if (env['XDG_CONFIG_HOME']) return join(env['XDG_CONFIG_HOME'], 'agent-studio')
  if (process.platform === 'win32' && env['APPDATA']) return join(env['APPDATA'], 'agent-studio')
  return join(env['HOME'] || homedir(), '.config', 'agent-studio')
}

export const configPath = (): string => join(configFolder(), 'config.toml')
export const credentialsPath = (): string => join(configFolder(), 'credentials.toml')

export function readConfigFile(): ConfigFile {
  const path = configPath()
  const file = read(path)
  if (!file) return { profiles: {} }
  refuseUnknown(path, file, ['profile', 'profiles'])
  const profiles = tables(path, 'profiles', file['profiles'] ?? {})
  for (const [name, one] of Object.entries(profiles)) refuseUnknown(`${path}, profile '${name}'`, one, ['url', 'environment', 'output'])
  const profile = text(path, file, 'profile')
  return {
    ...(profile !== undefined && { profile }),
    profiles: Object.fromEntries(Object.entries(profiles).map(([name, one]) => [name, toProfile(`${path}, profile '${name}'`, one)])),
  }
}

/** The file of the project that the current folder is in: the nearest `agent-studio.toml` upwards. */
export function readProjectFile(): ProjectFile | undefined {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const path = join(folder, 'agent-studio.toml')
    if (existsSync(path)) {
      const file = read(path) ?? {}
      if ('api_key' in file)
        throw wrongCall(
          `${path} holds a key, and files of projects are shared. Take it out and revoke it.`,
          'Keep keys in AGENT_STUDIO_API_KEY or a profile.',
        )
      refuseUnknown(path, file, ['profile', 'url', 'environment', 'output'])
      const profile = text(path, file, 'profile')
      return { path, ...toProfile(path, file), ...(profile !== undefined && { profile }) }
    }
    if (dirname(folder) === folder) return undefined
  }
}

/** The keys of the profiles, from a file that nobody else may read. */
export function readCredentials(): Record<string, string> {
  const path = credentialsPath()
  const file = read(path)
  if (!file) return {}
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    throw new CommandFailed(EXIT.signIn, 'credentials_open', `Others can read ${path}, so its keys are not used.`, {
      next: `chmod 600 ${path}`,
    })
  }
  return Object.fromEntries(
    Object.entries(tables(path, 'profiles', file['profiles'] ?? {})).flatMap(([name, one]) => {
      const key = text(path, one, 'api_key')
      return key === undefined ? [] : [[name, key]]
    }),
  )
}

export function writeConfigFile({ profile, profiles }: ConfigFile): void {
  write(configPath(), toml().stringify({ ...(profile !== undefined && { profile }), profiles }), 0o644)
}

export function writeCredentials(keys: Readonly<Record<string, string>>): void {
  const profiles = Object.fromEntries(Object.entries(keys).map(([name, api_key]) => [name, { api_key }]))
  write(credentialsPath(), toml().stringify({ profiles }), 0o600)
}

/** Whole or not at all, also when this process is killed meanwhile. */
function write(path: string, content: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const half = `${path}.${process.pid}`
  try {
    writeFileSync(half, `${content.trimEnd()}\n`, { mode })
    // The mode above leaves out what the umask says.
    chmodSync(half, mode)
    renameSync(half, path)
  } finally {
    rmSync(half, { force: true })
  }
}

type Table = Record<string, unknown>

function read(path: string): Table | undefined {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw wrongCall(`${path} cannot be read: ${(error as Error).message}.`)
  }
  try {
    return toml().parse(content)
  } catch (error) {
    throw wrongCall(`${path} is no TOML: ${(error as Error).message.trim()}`)
  }
}

function refuseUnknown(where: string, table: object, known: readonly string[]): void {
  const unknown = Object.keys(table).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const guess = nearest(unknown, known)
  throw wrongCall(
    `${where} has '${unknown}', which means nothing there.`,
    guess === undefined ? `It may have ${known.join(', ')}.` : `Did you mean '${guess}'?`,
  )
}

function tables(path: string, name: string, value: unknown): Record<string, Table> {
  const isTable = (one: unknown): one is Table => typeof one === 'object' && one !== null && !Array.isArray(one)
  if (!isTable(value) || !Object.values(value).every(isTable))
    throw wrongCall(`${path}: '${name}' holds a table for each profile: [profiles.local].`)
  return value as Record<string, Table>
}

function text(where: string, table: Table, name: string): string | undefined {
  const value = table[name]
  if (value === undefined || typeof value === 'string') return value
  throw wrongCall(`${where}: '${name}' is a text.`)
}

function toProfile(where: string, table: Table): Profile {
  const entries = ['url', 'environment', 'output'].flatMap((name) => {
    const value = text(where, table, name)
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(entries) as Profile
}
