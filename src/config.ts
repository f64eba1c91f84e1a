import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { ModelProviderSettings } from './models/providers.ts'
import { readProtections, type Protections } from './protections.ts'
import { StartRefused } from './start-refused.ts'

/** The settings of the server, all from environment variables. */
export interface Config {
  host: string
  port: number
  allowedHosts: string[]
  /** Origins of other sites whose pages may call the API. */
  allowedOrigins: string[]
  /** Addresses and networks of proxies that say where a request came from. */
  trustedProxies: string[]
  /** Addresses, networks and names that are not public, and that workflows may reach all the same. */
  privateAddresses: string[]
  /** JSON, or the path of a file with it. */
  mcpServers: string | undefined
  /** Of models. */
  pricesFile: string | undefined
  dataDir: string
  environments: string[]
  /** What some of them ask for before a release serves there. */
  protections: Protections
  /** The file of the keys that secrets are encrypted with; undefined where there is none. */
  secretKeyFile: string | undefined
  models: ModelProviderSettings
  logLevel: string
  /** How long executions are kept after they ended; undefined for ever. Milliseconds. */
  retentionMs: number | undefined
  /** How long executions may go on after the server was told to stop. */
  shutdownSeconds: number
}

/** What `--help` lists, in this order. */
export const settings: readonly { name: string; default: string; text: string }[] = [
  { name: 'HOST', default: '127.0.0.1', text: 'address to listen on; anything but loopback needs an API key to exist' },
  { name: 'PORT', default: '8000', text: 'port to listen on; 0 takes a free one' },
  { name: 'AGENT_STUDIO_ALLOWED_HOSTS', default: 'none', text: 'further names that the Host header may carry, separated by commas' },
  {
    name: 'AGENT_STUDIO_ALLOWED_ORIGINS',
    default: 'none',
    text: 'origins of other sites whose pages may call the API, such as https://app.example, separated by commas',
  },
  {
    name: 'AGENT_STUDIO_TRUSTED_PROXIES',
    default: 'none',
    text: 'addresses and networks of proxies whose X-Forwarded-For, -Host and -Proto are believed, such as 127.0.0.1',
  },
  {
    name: 'AGENT_STUDIO_PRIVATE_ADDRESSES',
    default: 'none',
    text: 'what workflows may reach beside public addresses, such as 10.1.0.0/16, 127.0.0.1:11434 or search.internal',
  },
  { name: 'AGENT_STUDIO_DATA_DIR', default: './.agent-studio', text: 'folder of the embedded database' },
  { name: 'AGENT_STUDIO_ENVIRONMENTS', default: 'development,production', text: 'environments, in look-up order' },
  {
    name: 'AGENT_STUDIO_PROTECTED_ENVIRONMENTS',
    default: 'none',
    text: 'environments that take promotions only, or releases that a second key approves: production:promotion,staging:approval',
  },
  {
    name: 'AGENT_STUDIO_SECRET_KEY_FILE',
    default: 'none',
    text: 'file with the key that secrets are encrypted with; only its owner may read it',
  },
  { name: 'AGENT_STUDIO_DEFAULT_MODEL', default: 'demo/assistant', text: 'model of agents that name none' },
  { name: 'OPENAI_API_KEY', default: 'none', text: 'for openai/… and gpt-… models' },
  { name: 'OPENAI_BASE_URL', default: 'none', text: 'any OpenAI-compatible server; with it the key is optional' },
  { name: 'ANTHROPIC_API_KEY', default: 'none', text: 'for anthropic/… and claude-… models' },
  { name: 'GOOGLE_GENERATIVE_AI_API_KEY', default: 'none', text: 'for google/… and gemini-… models' },
  { name: 'OLLAMA_BASE_URL', default: 'none', text: 'for ollama/… models, such as http://127.0.0.1:11434' },
  {
    name: 'AGENT_STUDIO_PRICES',
    default: 'none',
    text: 'JSON file with what models cost, which comes before the list prices that are known',
  },
  {
    name: 'AGENT_STUDIO_MCP_SERVERS',
    default: 'none',
    text: 'MCP servers that this server runs as programs: JSON, or the path of a JSON file',
  },
  {
    name: 'AGENT_STUDIO_RETENTION_DAYS',
    default: 'none',
    text: 'days after which executions that ended are removed, such as 30 or 0.5',
  },
  {
    name: 'AGENT_STUDIO_SHUTDOWN_SECONDS',
    default: '8',
    text: 'how long executions may go on after SIGTERM; the rest goes on after the next start',
  },
  { name: 'LOG_LEVEL', default: 'info', text: 'trace, debug, info, warn, error, fatal or silent' },
]

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Adds what a `.env` file in this folder says; the real environment wins. @throws StartRefused for one that cannot be read */
export function loadEnvFile(file = '.env'): void {
  if (!existsSync(file)) return
  try {
    process.loadEnvFile(file)
  } catch (error) {
    throw new StartRefused(`The file ${resolve(file)} cannot be read: ${(error as Error).message.replace(/\.$/, '')}.`)
  }
}

/** @throws StartRefused that names the variable and what it may be */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = (name: string): string | undefined => env[name]?.trim() || undefined
  // In a URL an IPv6 address stands in brackets, so people write them here, too.
  const host = (read('HOST') ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1')
  const environments = readEnvironments(env)
  return {
    host,
    port: readPort(read('PORT') ?? '8000'),
    allowedHosts: readList(read('AGENT_STUDIO_ALLOWED_HOSTS')),
    allowedOrigins: readOrigins(read('AGENT_STUDIO_ALLOWED_ORIGINS')),
    trustedProxies: readList(read('AGENT_STUDIO_TRUSTED_PROXIES')),
    privateAddresses: readList(read('AGENT_STUDIO_PRIVATE_ADDRESSES')),
    dataDir: readDataDir(env),
    environments,
    protections: readProtections(read('AGENT_STUDIO_PROTECTED_ENVIRONMENTS'), environments),
    secretKeyFile: readSecretKeyFile(env),
    models: {
      defaultModel: read('AGENT_STUDIO_DEFAULT_MODEL') ?? 'demo/assistant',
      ...optional('openaiApiKey', read('OPENAI_API_KEY')),
      ...optional('openaiBaseUrl', read('OPENAI_BASE_URL')),
      ...optional('anthropicApiKey', read('ANTHROPIC_API_KEY')),
      ...optional('googleApiKey', read('GOOGLE_GENERATIVE_AI_API_KEY') ?? read('GEMINI_API_KEY')),
      ...optional('ollamaBaseUrl', read('OLLAMA_BASE_URL') ?? read('OLLAMA_HOST')),
    },
    mcpServers: read('AGENT_STUDIO_MCP_SERVERS'),
    pricesFile: read('AGENT_STUDIO_PRICES'),
    logLevel: readLogLevel(read('LOG_LEVEL') ?? 'info'),
    retentionMs: readRetention(read('AGENT_STUDIO_RETENTION_DAYS')),
    shutdownSeconds: readShutdown(read('AGENT_STUDIO_SHUTDOWN_SECONDS') ?? '8'),
  }
}

/** For commands that need no other setting. */
export function readDataDir(env: NodeJS.ProcessEnv): string {
  return env['AGENT_STUDIO_DATA_DIR']?.trim() || './.agent-studio'
}

export function readSecretKeyFile(env: NodeJS.ProcessEnv): string | undefined {
  return env['AGENT_STUDIO_SECRET_KEY_FILE']?.trim() || undefined
}

function optional<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: string })
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port <= 65_535)) throw new StartRefused(`PORT is '${text}', but a port is a whole number from 0 to 65535.`)
  return port
}

function readList(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
}

/** As browsers write them (RFC 6454 §6.2), since they are compared letter by letter. */
function readOrigins(text: string | undefined): string[] {
  return readList(text).map((origin) => {
    const url = URL.parse(origin)
    if (url && /^https?:$/.test(url.protocol) && url.origin === origin) return origin
    const meant = url && url.origin !== 'null' ? ` Write it as ${url.origin}.` : ''
    throw new StartRefused(
      `AGENT_STUDIO_ALLOWED_ORIGINS has '${origin}', but an origin is https:// or http:// with a host and, where it is not the usual one, a port.${meant}`,
    )
  })
}

/** In look-up order. @throws StartRefused for what are no names */
export function readEnvironments(env: NodeJS.ProcessEnv): string[] {
  const text = env['AGENT_STUDIO_ENVIRONMENTS']?.trim() || undefined
  const names = text === undefined ? ['development', 'production'] : readList(text)
  const odd = names.find((name) => !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
  if (odd !== undefined || names.length === 0 || new Set(names).size < names.length) {
    throw new StartRefused(
      `AGENT_STUDIO_ENVIRONMENTS is '${text}', but it lists names of letters, digits, '.', '_' and '-', separated by commas, each once.`,
    )
  }
  return names
}

const DAY_MS = 86_400_000

function readRetention(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const days = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN
  if (days > 0 && days < Infinity) return days * DAY_MS
  throw new StartRefused(`AGENT_STUDIO_RETENTION_DAYS is '${text}', but it is a number of days above 0, such as 30 or 0.5.`)
}

function readShutdown(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : NaN
  if (seconds <= 3_600) return seconds
  throw new StartRefused(`AGENT_STUDIO_SHUTDOWN_SECONDS is '${text}', but it is a whole number of seconds from 0 to 3600.`)
}

function readLogLevel(text: string): string {
  if (!LOG_LEVELS.includes(text)) throw new StartRefused(`LOG_LEVEL is '${text}', but it is one of ${LOG_LEVELS.join(', ')}.`)
  return text
}

/** By what others than those on this machine reach the server; undefined where by nothing. */
export function exposure({ host, trustedProxies }: Pick<Config, 'host' | 'trustedProxies'>): string | undefined {
  if (!isLoopback(host)) return `HOST is ${host}, which others can reach`
  return trustedProxies.length > 0 ? 'AGENT_STUDIO_TRUSTED_PROXIES names a proxy, by which others reach this server' : undefined
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
