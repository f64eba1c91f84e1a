import { wrongCall } from '../frame/exit.ts'
import { nearest } from '../frame/suggest.ts'
import { configPath, readConfigFile, readCredentials, readProjectFile, credentialsPath, type ProjectFile } from './files.ts'

/** A value, and what set it. */
export interface Sourced {
  value: string
  source: string
}

export interface Settings {
  profile: Sourced | undefined
  url: Sourced
  environment: Sourced | undefined
  output: Sourced
  apiKey: Sourced | undefined
  /** Why a key that is there is not sent; undefined where there is no such key. */
  keyWithheld: string | undefined
}

export interface Flags {
  profile?: string | undefined
  url?: string | undefined
  environment?: string | undefined
  output?: string | undefined
}

const DEFAULT_URL = 'http://localhost:8000'
const FORMATS = ['table', 'wide', 'name', 'json', 'jsonl', 'yaml']

/** In this order: flag, variable, project, profile, default. @throws CommandFailed for what makes no sense, naming where it stands */
export function resolveSettings(flags: Flags): Settings {
  const project = readProjectFile()
  const config = readConfigFile()
  const profile = first(
    flagged('profile', flags.profile),
    variable('AGENT_STUDIO_PROFILE'),
    ofProject(project, 'profile'),
    inFile(config.profile),
  )
  const chosen = profile && (Object.hasOwn(config.profiles, profile.value) ? config.profiles[profile.value] : undefined)
  if (profile && !chosen) {
    const guess = nearest(profile.value, Object.keys(config.profiles))
    throw wrongCall(
      `There is no profile '${profile.value}' in ${configPath()} (named by ${profile.source}).`,
      guess === undefined ? `agent-studio profile set ${profile.value} --url …` : `Did you mean '${guess}'?`,
    )
  }
  const ofProfile = (value: string | undefined): Sourced | undefined =>
    value === undefined ? undefined : { value, source: `profile '${profile!.value}'` }
  const url = checkUrl(
    first(flagged('url', flags.url), variable('AGENT_STUDIO_URL'), ofProject(project, 'url'), ofProfile(chosen?.url)) ?? {
      value: DEFAULT_URL,
      source: 'default',
    },
  )
  const output = first(
    flagged('output', flags.output),
    variable('AGENT_STUDIO_OUTPUT'),
    ofProject(project, 'output'),
    ofProfile(chosen?.output),
  )
  if (output && !FORMATS.includes(output.value))
    throw wrongCall(`The output is one of ${FORMATS.join(', ')}, not '${output.value}' (${output.source}).`)
  return {
    profile,
    url,
    environment: first(
      flagged('env', flags.environment),
      variable('AGENT_STUDIO_ENV'),
      ofProject(project, 'environment'),
      ofProfile(chosen?.environment),
    ),
    output: output ?? { value: 'table', source: 'default' },
    ...keyFor(url, project, profile && { name: profile.value, url: chosen?.url ?? DEFAULT_URL }),
  }
}

/**
 * A key goes only to whom it is for. A folder from elsewhere may hold an `agent-studio.toml` with any address in it, so neither the
 * key of a profile nor that of the environment follows there.
 */
function keyFor(url: Sourced, project: ProjectFile | undefined, profile: { name: string; url: string } | undefined) {
  const fromProject = project !== undefined && url.source === project.path
  const isOfProfile = profile !== undefined && originOf(url.value) === originOf(profile.url)
  const given = variable('AGENT_STUDIO_API_KEY')
  if (given && !/^[\x21-\x7e]+$/.test(given.value))
    throw wrongCall('AGENT_STUDIO_API_KEY has a space, a line break or another character in it that no key has.')
  if (given) {
    if (!fromProject || isOfProfile) return { apiKey: given, keyWithheld: undefined }
    return {
      apiKey: undefined,
      keyWithheld: `AGENT_STUDIO_API_KEY is not sent to an address that only ${url.source} names. Name it with --url or AGENT_STUDIO_URL.`,
    }
  }
  const stored = profile && readCredentials()[profile.name]
  if (stored === undefined) return { apiKey: undefined, keyWithheld: undefined }
  if (isOfProfile) return { apiKey: { value: stored, source: `${credentialsPath()}, profile '${profile!.name}'` }, keyWithheld: undefined }
  return {
    apiKey: undefined,
    keyWithheld: `The key of profile '${profile!.name}' is for ${profile!.url}, so it is not sent to ${url.value} (${url.source}).`,
  }
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}

function checkUrl(url: Sourced): Sourced {
  const parsed = URL.canParse(url.value) ? new URL(url.value) : undefined
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol))
    throw wrongCall(`'${url.value}' (${url.source}) is no address of a server.`, 'Write it like http://localhost:8000.')
  if (parsed.username !== '' || parsed.password !== '')
    throw wrongCall(`The address (${url.source}) has a user or a password in it.`, 'Keys go into AGENT_STUDIO_API_KEY.')
  return url
}

function first(...values: (Sourced | undefined)[]): Sourced | undefined {
  return values.find((one) => one !== undefined)
}

const flagged = (name: string, value: string | undefined): Sourced | undefined =>
  value === undefined ? undefined : { value, source: `--${name}` }

function variable(name: string): Sourced | undefined {
  const value = process.env[name]
  return value ? { value, source: name } : undefined
}

function ofProject(project: ProjectFile | undefined, name: 'profile' | 'url' | 'environment' | 'output'): Sourced | undefined {
  const value = project?.[name]
  return value === undefined ? undefined : { value, source: project!.path }
}

const inFile = (value: string | undefined): Sourced | undefined => (value === undefined ? undefined : { value, source: configPath() })
