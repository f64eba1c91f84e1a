import { AttemptFailed } from '../attempt-failed.ts'
import { StudioError } from '../errors.ts'
import { isObject } from '../graph/definition.ts'
import type { Outside } from '../graph/step-kind.ts'
import type { Scrubber } from '../secrets/scrubber.ts'
import { parseMapping } from '../templates/mapping.ts'
import { TemplateInvalid } from '../templates/template.ts'
import { faultOfUrl } from '../outgoing/target.ts'
import { toolTypes } from './compile-tools.ts'
import { listTools } from './mcp/client.ts'
import { reach, textsOf, type McpConfig } from './mcp/mcp-tool.ts'
import type { OpenApiConfig } from './openapi/openapi-tool.ts'
import { operationsOf, serverOf } from './openapi/operations.ts'
import { DocumentUnusable } from './openapi/schema.ts'

/** What tools of other servers turned out to be, by what their agents say of them. */
export type Discovered = ReadonlyMap<string, { recorded: unknown } | { code: string; message: string }>

/** What is needed to look. */
export type Sources = Pick<Outside, 'outgoing' | 'secrets' | 'localServers'>

/** Where the secrets come from that other servers are asked with. */
export interface Asking {
  /** Undefined: from nowhere. */
  environment: string | undefined
  /** Whether they may be sent at all: they go where the workflow says, so that is for whoever may deploy it. */
  withSecrets: boolean
}

/** Of one source. A deploy waits for them. */
const TIMEOUT_MS = 15_000
const MOST_SOURCES = 50
const LONGEST_DOCUMENT = 2_000_000

type Found = { recorded: unknown } | { code: string; message: string }

/**
 * Asks other servers which tools they have, all at once, so that a release can record it.
 * @param items of lists of tools; those that need nobody asked are passed over
 * @param asking without secrets only those are asked that need none
 */
export async function discoverTools(items: readonly unknown[], asking: Asking, sources: Sources): Promise<Discovered> {
  const { environment } = asking
  const asked = new Map<string, Record<string, unknown>>()
  for (const item of items) if (isRemote(item)) asked.set(keyOf(item), item)
  const found = new Map<string, Found>()
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  await Promise.all(
    [...asked].map(async ([key, item], index) => {
      const looked = index < MOST_SOURCES ? await look(item, asking, sources, signal) : tooMany
      // A server may quote the secrets that it is sent, and what is found is recorded and shown.
      found.set(key, scrubberOf(environment, sources)?.scrubAll(looked) ?? looked)
    }),
  )
  return found
}

function scrubberOf(environment: string | undefined, { secrets }: Pick<Sources, 'secrets'>): Scrubber | undefined {
  return environment === undefined ? undefined : secrets.of(environment)
}

const tooMany = { code: 'too_many_tools', message: `The agents of a workflow take tools of at most ${MOST_SOURCES} other servers.` }

/**
 * A tool as a release records it: with what was found, and without what that was made of.
 * @returns where it cannot be recorded, why
 */
export function recordTool(item: unknown, discovered: Discovered): { item: unknown; problem?: { code: string; message: string } } {
  if (!isObject(item) || (item['type'] !== 'openapi' && item['type'] !== 'mcp')) return { item }
  const { recorded: _given, document: _document, ...rest } = item
  if (item['type'] === 'openapi' && item['document'] === undefined && item['url'] === undefined) return { item: rest, problem: noDocument }
  if (item['type'] === 'mcp' && (item['url'] === undefined) === (item['server'] === undefined)) return { item: rest, problem: noServer }
  // What else is wrong with it is found when it is compiled.
  if (!isComplete(item)) return { item: rest }
  const found = isRemote(item) ? discovered.get(keyOf(item)) : readDocument(item['document'], item as unknown as OpenApiConfig, undefined)
  if (!found) return { item: rest, problem: { code: 'tools_not_listed', message: notListed } }
  return 'recorded' in found ? { item: { ...rest, recorded: found.recorded } } : { item: rest, problem: found }
}

const noDocument = { code: 'required', message: `An OpenAPI tool needs its 'document', or the 'url' where that is.` }
const noServer = {
  code: 'required',
  message: `An MCP tool needs the 'url' of a server, or the name of a 'server' that the operator lists, and not both.`,
}
const notListed =
  "Which tools there are can only be asked with the secrets of an environment: name one, with a key that has the scope 'deploy'."

/** What its schema asks for, as far as the look depends on it. */
function isComplete(item: Record<string, unknown>): boolean {
  const type = toolTypes.get(String(item['type']))!
  const required = type.schema['required'] as string[]
  return (
    required.every((name) => typeof item[name] === 'string') &&
    (type.type !== 'openapi' || isObject(item['document']) || typeof item['url'] === 'string')
  )
}

function isRemote(item: unknown): item is Record<string, unknown> {
  if (!isObject(item)) return false
  if (item['type'] === 'mcp') return typeof item['url'] === 'string' || typeof item['server'] === 'string'
  return item['type'] === 'openapi' && item['document'] === undefined && typeof item['url'] === 'string'
}

function keyOf({ recorded: _recorded, ...item }: Record<string, unknown>): string {
  return JSON.stringify(item)
}

async function look(item: Record<string, unknown>, asking: Asking, sources: Sources, signal: AbortSignal): Promise<Found> {
  const { environment } = asking
  const { localServers } = sources
  const { type, server, url } = item
  if (type === 'mcp' && typeof server === 'string' && !localServers?.names.includes(server)) {
    const names = localServers?.names.join(', ') || 'none'
    return { code: 'unknown_server', message: `The operator lists no MCP server '${server}'. There are: ${names}.` }
  }
  const fault = typeof url === 'string' ? faultOfUrl(url) : undefined
  if (fault !== undefined) return { code: 'invalid_setting', message: `'url' cannot be called: ${fault}.` }
  try {
    const headers = await headersOf(item['headers'], asking, sources)
    if (!headers) return { code: 'tools_not_listed', message: notListed }
    return item['type'] === 'mcp'
      ? await askServer(item as unknown as McpConfig, headers, sources, { signal, scrubber: scrubberOf(environment, sources) })
      : await readRemote(item as unknown as OpenApiConfig, sources, signal)
  } catch (error) {
    return { code: 'tools_unreachable', message: `Its tools cannot be listed: ${reasonOf(error, signal)}` }
  }
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `nothing came within ${TIMEOUT_MS / 1_000} seconds.`
  if (error instanceof AttemptFailed || error instanceof StudioError || error instanceof TemplateInvalid) return error.message
  throw error
}

/** Undefined where secrets are needed that nobody can look up. */
async function headersOf(
  given: unknown,
  { environment, withSecrets }: Asking,
  { secrets }: Sources,
): Promise<Record<string, string> | undefined> {
  if (!isObject(given)) return {}
  const mapping = parseMapping(given)
  if (mapping.secretNames.length === 0) return textsOf(mapping.apply({}))
  if (environment === undefined || !withSecrets) return undefined
  return textsOf(mapping.apply({}, { secrets: await secrets.resolveAll(environment, mapping.secretNames) }))
}

async function askServer(
  config: McpConfig,
  headers: Record<string, string>,
  sources: Sources,
  limits: { signal: AbortSignal; scrubber: Scrubber | undefined },
): Promise<Found> {
  const { tools: wanted } = config
  const listed = await reach(config, headers, sources, { ...limits, timeoutMs: TIMEOUT_MS }, listTools)
  if (!Array.isArray(wanted)) return { recorded: { tools: listed } }
  const missing = wanted.filter((name) => !listed.some((tool) => tool.name === name))
  const names = listed.map(({ name }) => name).join(', ') || 'none'
  if (missing.length > 0) return { code: 'unknown_tool', message: `The server has no tool '${missing.join(`', '`)}'. It has ${names}.` }
  return { recorded: { tools: listed.filter(({ name }) => wanted.includes(name)) } }
}

/** Without the headers: those are for the server that it describes. */
async function readRemote(config: OpenApiConfig, { outgoing }: Sources, signal: AbortSignal): Promise<Found> {
  const limits = { totalMs: TIMEOUT_MS, firstByteMs: TIMEOUT_MS, bytes: LONGEST_DOCUMENT }
  const answer = await outgoing.request({ url: config.url!, headers: { accept: 'application/json' }, signal, limits })
  const text = await answer.text()
  if (answer.status !== 200) return { code: 'tools_unreachable', message: `The document was answered with status ${answer.status}.` }
  try {
    return readDocument(JSON.parse(text), config, answer.url)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { code: 'document_unusable', message: `What is at its 'url' is no JSON. YAML is not read.` }
  }
}

function readDocument(document: unknown, config: OpenApiConfig, from: string | undefined): Found {
  const unusable = (reason: string): Found => ({ code: 'document_unusable', message: `The document ${reason}.` })
  try {
    const wanted = Array.isArray(config.operations) ? config.operations.map(String) : undefined
    const operations = operationsOf(document, wanted)
    const server = config.server ?? serverOf(document, from)
    if (server === undefined || faultOfUrl(server) !== undefined)
      return unusable(`names no server that could be called. Name one as 'server'`)
    // Whoever writes the document would say where the secrets go.
    if (
      config.server === undefined &&
      from !== undefined &&
      new URL(server).origin !== new URL(from).origin &&
      config.headers !== undefined
    )
      return unusable(
        `names a server of another origin than its own, ${new URL(server).origin}. Name it as 'server', so that the headers may go there`,
      )
    return { recorded: { server, operations } }
  } catch (error) {
    if (error instanceof DocumentUnusable) return unusable(error.message)
    throw error
  }
}
