import { createServer, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import pino, { type Logger } from 'pino'
import { Gate } from './access/gate.ts'
import { guardRoutes } from './access/hooks.ts'
import { noteKeyUse } from './access/repository.ts'
import { registerKeyRoutes } from './access/routes.ts'
import type { KeyLookup } from './access/key-lookup.ts'
import { SqliteKeyLookup } from './access/sqlite/sqlite-key-lookup.ts'
import { registerAgentRoutes } from './agents/routes.ts'
import { tellOrigins } from './audit/request-origin.ts'
import { registerAuditRoutes } from './audit/routes.ts'
import { registerCatalogueRoutes } from './catalogue/routes.ts'
import { systemClock } from './clock.ts'
import { exposure, type Config } from './config.ts'
import { CanaryWatch } from './deployments/canary-watch.ts'
import { registerLifeCycleRoutes } from './deployments/life-cycle-routes.ts'
import { registerProposalRoutes } from './deployments/proposal-routes.ts'
import { registerRerunRoutes } from './deployments/rerun-routes.ts'
import { registerReleaseRoutes } from './deployments/release-routes.ts'
import { registerDeploymentRoutes } from './deployments/routes.ts'
import { registerTrafficRoutes } from './deployments/traffic-routes.ts'
import { StopDeadlines } from './deployments/stop-deadlines.ts'
import { registerStopRoutes } from './deployments/stop-routes.ts'
import { registerDraftRoutes } from './drafts/routes.ts'
import { EventHub } from './engine/event-hub.ts'
import type { Meter } from './engine/meter.ts'
import { InProcessDispatcher } from './engine/in-process-dispatcher.ts'
import { SqliteJournal } from './engine/sqlite/sqlite-journal.ts'
import { StorageFull } from './errors.ts'
import { setUpExample } from './example.ts'
import { registerDecisionRoutes } from './executions/decision-routes.ts'
import { registerExecutionRoutes } from './executions/routes.ts'
import type { Answer } from './http/answers.ts'
import { createApp, type App, type HeadersFor } from './http/app.ts'
import { Housekeeper } from './housekeeping/housekeeper.ts'
import { honourIdempotencyKeys } from './idempotency/hooks.ts'
import { countEventStreams } from './http/sse.ts'
import { limitKeys } from './limits/hooks.ts'
import { Load } from './limits/load.ts'
import { shedLoad } from './limits/shed.ts'
import type { Models } from './models/model.ts'
import { checkedTransport } from './models/named-server.ts'
import { costsBy, readPrices, type CostOf } from './models/prices.ts'
import { createModels, secretValues } from './models/providers.ts'
import { Metrics } from './operations/metrics.ts'
import { createOutgoing, type Outgoing } from './outgoing/outgoing.ts'
import { Readiness } from './operations/readiness.ts'
import { probeStorage } from './operations/repository.ts'
import { registerOperationRoutes } from './operations/routes.ts'
import { KeyFile, KeyFileUnusable } from './secrets/key-file.ts'
import { keyedModels } from './secrets/keyed-models.ts'
import { registerSecretRoutes } from './secrets/routes.ts'
import { Vault } from './secrets/vault.ts'
import { LazySandbox } from './sandbox/lazy-sandbox.ts'
import type { Sandbox } from './sandbox/sandbox.ts'
import { StartRefused } from './start-refused.ts'
import { stopServer } from './stop-server.ts'
import { openDatabaseFile } from './store/sqlite/database-file.ts'
import { giveBackPages } from './store/sqlite/give-back.ts'
import { SqliteStore } from './store/sqlite/sqlite-store.ts'
import type { Store } from './store/store.ts'
import type { Studio } from './studio.ts'
import { registerVariableRoutes } from './variables/routes.ts'
import { LocalProcesses, readLocalServers, secretValuesOf } from './tools/mcp/local-servers.ts'
import { StoredVariables } from './variables/variables.ts'
import { version } from './version.ts'
import { Courier } from './webhooks/courier.ts'
import { registerWorkflowRoutes } from './workflows/routes.ts'

/** How long a server whose disk has failed goes on, so that those who wait for a write are told. It writes nothing any more. */
const FAREWELL_MS = 250

/** How long one command may move pages of the database, while all other writes wait. */
const GIVE_BACK_MS = 4

/** From so long a wait on, an execution leaves the memory meanwhile. */
const REST_FROM_MS = 10_000

export interface RunningServer {
  /** As people type it. */
  url: string
  /** Whether the database was made by this start. */
  isNew: boolean
  /** Whether requests need an API key. */
  needsKey: boolean
  /** Executions that a stop waits for. */
  readonly running: number
  /** The last that is said of a fault that nobody has caught. */
  logCrash(error: unknown): void
  /** Takes no new work, lets executions end for a while, and frees everything. */
  stop(): Promise<void>
}

/**
 * @param writer the writing thread, which loads its modules while this one loads its own
 * @throws StartRefused with the one line that says what is wrong
 */
export async function startServer(config: Config, writer: Worker): Promise<RunningServer> {
  const outgoing = await openOutgoing(config)
  const models = createModels(config.models, undefined, checkedTransport(outgoing))
  if (!models.resolve(models.default)) {
    throw new StartRefused(
      `AGENT_STUDIO_DEFAULT_MODEL is '${models.default}', for which no provider is known. Write it as provider/model, with openai, anthropic, google, ollama or demo.`,
    )
  }
  const secretKeys = openKeyFile(config.secretKeyFile)
  const { mcpServers } = config
  const listedServers = readSetting('AGENT_STUDIO_MCP_SERVERS', () => (mcpServers === undefined ? {} : readLocalServers(mcpServers)))
  const localServers = new LocalProcesses(listedServers)
  const prices = readSetting('AGENT_STUDIO_PRICES', () => (config.pricesFile === undefined ? {} : readPrices(config.pricesFile)))
  const costOf = costsBy(prices)
  await refuseTakenPort(config)
  let vault: Vault | undefined
  // Of a line as a whole: what is logged is text of whoever failed.
  const hooks = { streamWrite: (line: string) => vault?.scrub(line) ?? line }
  const logger = pino({ level: config.logLevel, hooks }, pino.destination(2))
  const database = await openDatabaseFile(config.dataDir)
  const readiness: Readiness = new Readiness(async () => {
    // What is tried is small, and may find room where the results of executions find none.
    if (studio.journal.isFull) throw new StorageFull({})
    await store.write(probeStorage, systemClock.now())
  })
  const metrics: Metrics = new Metrics({
    version,
    pendingWrites: () => store.pendingWrites,
    openStreams: () => countEventStreams(app.server),
  })
  let hasBegun = false
  const store: SqliteStore = new SqliteStore({
    file: database.file,
    writer,
    // What fails before is the reason why the start is refused.
    onFault: (cause) => hasBegun && logger.error({ cause }, 'a write failed'),
    onFull: () => {
      if (hasBegun && !readiness.knowsFullDisk)
        logger.error('the disk of the database is full; what is accepted is held until there is room')
      readiness.noteFullDisk()
    },
    onFatal: (cause) => {
      readiness.noteLostDisk()
      logger.fatal({ cause }, 'the database cannot be written any more; start again to recover')
      setTimeout(() => process.exit(1), FAREWELL_MS)
    },
    meter: metrics.store,
  })
  const keys = new SqliteKeyLookup(store.reader)
  const exposed = exposure(config)
  if (exposed !== undefined && !keys.anyKept()) throw openToAll(exposed)
  const onFault = (error: unknown): void => logger.error({ err: error }, 'a fault in the server')
  const housekeeper = new Housekeeper({
    store,
    clock: systemClock,
    retentionMs: config.retentionMs,
    giveBack: () => store.write(giveBackPages, GIVE_BACK_MS),
    onFault,
  })
  vault = new Vault({
    store,
    keys: secretKeys,
    alwaysHidden: [...secretValues(config.models), ...secretValuesOf(listedServers)],
    onUnreadable: (secret) => logger.error(secret, 'a secret cannot be decrypted'),
    onFault,
  })
  const variables = new StoredVariables(store)
  const sandbox = new LazySandbox({ onTrouble: (reason) => logger.warn({ reason }, 'a process of the sandbox ended by itself') })
  const courier = new Courier({
    store,
    outgoing,
    secrets: vault,
    clock: systemClock,
    onAttempt: (outcome) => metrics.webhooks.attempted(outcome),
    onFault,
  })
  const onWebhook = (): void => courier.look()
  const studio = {
    ...compose(config, {
      store,
      models,
      vault,
      variables,
      sandbox,
      outgoing,
      localServers,
      costOf,
      meter: metrics.engine,
      onWebhook,
      onFault,
    }),
    purge: () => housekeeper.purge(),
  }
  const isNew = await setUpExample(studio).catch((error: unknown) => {
    throw error instanceof StorageFull ? new StartRefused(`The disk of the database ${database.file} is full.`) : error
  })
  hasBegun = true
  const load = new Load({
    pendingWrites: () => store.pendingWrites,
    oldestWriteMs: () => store.oldestWriteMs,
    isFull: () => studio.dispatcher.isFull,
  })
  load.watch()
  const app: App = await createStudioApp(config, logger, studio, { metrics, gate: gateOf(config, keys, store), load })
  registerSecretRoutes(app, { ...studio, vault, keys: secretKeys })
  registerVariableRoutes(app, { ...studio, variables })
  registerCatalogueRoutes(app, { ...studio, settings: config.models, prices })
  registerOperationRoutes(app, { readiness, metrics, store })
  const deadlines = new StopDeadlines({ store, dispatcher: studio.dispatcher, clock: systemClock, onFault })
  registerStopRoutes(app, studio, deadlines)
  await studio.canaries.catchUp().catch(onFault)
  // Listed before the first request can add to them.
  studio.dispatcher.recover().catch(onFault)
  deadlines.start()
  courier.look()
  housekeeper.start()

  const free = async (): Promise<void> => {
    await deadlines.stop()
    await courier.stop()
    await housekeeper.stop()
    vault.close()
    await sandbox.close()
    await localServers.close()
    await store.close()
    database.release()
  }
  const onUnfinished = (): void => logger.warn('not everything could be ended in time; the next start takes it up')
  const stop = (): Promise<void> =>
    stopServer({ app, dispatcher: studio.dispatcher, readiness, free, onUnfinished }, config.shutdownSeconds * 1_000)
  const url = await listen(app, config).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    url,
    isNew,
    needsKey: keys.anyKept(),
    get running() {
      return studio.dispatcher.running
    },
    logCrash: (error) => logger.fatal({ err: error }, 'the server ends by a fault of its own; start it again to recover'),
    stop,
  }
}

/** @param store where it is noted when keys were used */
function gateOf(config: Config, keys: KeyLookup, store: Store): Gate {
  const onUse = (key_id: string, at: number): void => {
    // Nobody waits for it, and where it cannot be written others say so.
    store.write(noteKeyUse, { key_id, at }).catch(() => undefined)
  }
  return new Gate({ keys, now: () => systemClock.now(), isPrivate: exposure(config) === undefined, onUse })
}

/** @throws StartRefused */
async function openOutgoing({ privateAddresses }: Config): Promise<Outgoing> {
  if (privateAddresses.length > 0) {
    // Read here only to refuse a start that would be told by the first request.
    const { AddressList } = await import('./outgoing/address-list.ts')
    readSetting('AGENT_STUDIO_PRIVATE_ADDRESSES', () => new AddressList(privateAddresses))
  }
  return createOutgoing({ privateAddresses })
}

/** @throws StartRefused */
async function trustedProxiesOf({ trustedProxies: listed }: Config): Promise<((address: string) => boolean) | undefined> {
  if (listed.length === 0) return undefined
  const { trustedProxies } = await import('./http/trusted-proxies.ts')
  return readSetting('AGENT_STUDIO_TRUSTED_PROXIES', () => trustedProxies(listed))
}

function readSetting<Value>(variable: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new StartRefused(`${variable} cannot be used: ${(error as Error).message}.`)
  }
}

function openToAll(exposed: string): StartRefused {
  return new StartRefused(
    `${exposed}, and there is no API key that would keep them out. Make the first one with: node bin/agent-studio.js key create`,
  )
}

/** @throws StartRefused */
function openKeyFile(path: string | undefined): KeyFile | undefined {
  if (path === undefined) return undefined
  try {
    return new KeyFile(path)
  } catch (error) {
    if (!(error instanceof KeyFileUnusable)) throw error
    throw new StartRefused(`The key file ${resolve(path)}, which AGENT_STUDIO_SECRET_KEY_FILE names, ${error.message}.`)
  }
}

interface Parts {
  store: SqliteStore
  models: Models
  vault: Vault
  variables: StoredVariables
  sandbox: Sandbox
  outgoing: Outgoing
  localServers: LocalProcesses
  costOf: CostOf
  meter: Meter
  onWebhook: () => void
  onFault: (error: unknown) => void
}

function compose(
  config: Config,
  { store, models: unkeyed, vault, variables, sandbox, outgoing, localServers, costOf, meter, onWebhook, onFault }: Parts,
): Omit<Studio, 'purge'> & { canaries: CanaryWatch } {
  const clock = systemClock
  const canaries = new CanaryWatch({ store, clock, heedDeployment: (id) => dispatcher.heedDeployment(id), onFault })
  const journal = new SqliteJournal(store, (id) => canaries.boundPassed(id))
  const hub = new EventHub()
  const models = keyedModels(unkeyed, vault)
  const outside = { outgoing, sandbox, localServers, secrets: vault }
  const variablesOf = (environment: string): Promise<Readonly<Record<string, string>>> => variables.of(environment)
  const services = {
    journal,
    hub,
    models,
    clock,
    meter,
    restFromMs: REST_FROM_MS,
    onFault,
    onWebhook,
    costOf,
    outside,
    variables: variablesOf,
    masks: vault,
  }
  const dispatcher = new InProcessDispatcher(services)
  return {
    store,
    journal,
    dispatcher,
    hub,
    models,
    outside,
    secrets: vault,
    variables,
    clock,
    environments: config.environments,
    protections: config.protections,
    canaries,
  }
}

/** What stands at the edge. */
interface Edge {
  metrics: Metrics
  gate: Gate
  load: Load
}

async function createStudioApp(config: Config, logger: Logger, studio: Studio, { metrics, gate, load }: Edge): Promise<App> {
  // At info Fastify would say that it listens, which the banner says already.
  const quiet = logger.child({}, { level: logger.level === 'info' ? 'warn' : logger.level })
  const onAnswer = (answer: Answer): void => metrics.http.answered(answer)
  const onLimited = (policy: string): void => metrics.load.limited(policy)
  const allowedHosts = [config.host, ...config.allowedHosts]
  const shed = (bare: App, headersFor: HeadersFor): void => shedLoad(bare, load, (kind) => metrics.load.shed(kind), headersFor)
  const guard = (unguarded: App): void => guardRoutes(unguarded, gate, limitKeys)
  const { allowedOrigins } = config
  const trusted = await trustedProxiesOf(config)
  const edge = { allowedHosts, allowedOrigins, ...(trusted && { trustProxy: trusted }) }
  const app = await createApp({ logger: quiet, ...edge, version, onAnswer, onLimited, shed, guard })
  honourIdempotencyKeys(app, studio)
  tellOrigins(app)
  registerWorkflowRoutes(app, studio)
  registerDeploymentRoutes(app, studio)
  registerReleaseRoutes(app, studio)
  registerLifeCycleRoutes(app, studio)
  registerProposalRoutes(app, studio)
  registerRerunRoutes(app, studio)
  registerTrafficRoutes(app, studio)
  registerExecutionRoutes(app, studio)
  registerDraftRoutes(app, studio)
  registerDecisionRoutes(app, studio)
  registerAgentRoutes(app, studio)
  registerAuditRoutes(app, studio.store)
  registerKeyRoutes(app, studio)
  return app
}

/** Connections that the system holds until they are taken; of a burst of more, clients wait a second and try again. The system has a limit of its own. */
const BACKLOG = 4_096

async function listen(app: App, { host, port }: Config): Promise<string> {
  try {
    // By name Fastify would listen a second time, on a server that lacks our handlers of malformed requests.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port, backlog: BACKLOG })
  } catch (error) {
    throw refusalToListen(error as NodeJS.ErrnoException, host, port)
  }
  const address = app.server.address()
  const actualPort = typeof address === 'object' && address ? address.port : port
  const isHere = ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host)
  const name = isIPv6(host) ? `[${host}]` : host
  return `http://${isHere ? 'localhost' : name}:${actualPort}`
}

/** How long a start waits for a server that is just ending to let go of the port. */
const PORT_PATIENCE_MS = 1_000

/** Asked before anything else, so that a second start by mistake says what is really the matter. */
async function refuseTakenPort({ host, port }: Config): Promise<void> {
  const deadline = performance.now() + PORT_PATIENCE_MS
  for (let error = await probePort(host, port); error; error = await probePort(host, port)) {
    if (error.code !== 'EADDRINUSE' || performance.now() > deadline) throw refusalToListen(error, host, port)
    await delay(100)
  }
}

function probePort(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve_) => {
    const probe = createServer()
    probe.once('error', resolve_)
    probe.listen({ host, port }, () => probe.close(() => resolve_(undefined)))
  })
}

function refusalToListen(error: NodeJS.ErrnoException, host: string, port: number): StartRefused {
  if (error.code === 'EADDRINUSE') {
    return new StartRefused(
      `Port ${port} is taken, perhaps by another Agent Studio. Stop what holds it, or choose another: PORT=${port + 1} npm start`,
    )
  }
  if (error.code === 'EACCES')
    return new StartRefused(`Port ${port} may not be used by this user. Choose one above 1023: PORT=8000 npm start`)
  return new StartRefused(`The server cannot listen on ${host}, port ${port}: ${error.message}.`)
}

/** What the terminal shows once the server answers. */
export function banner({ url, isNew, needsKey }: RunningServer, config: Config): string {
  const { openaiApiKey, openaiBaseUrl, anthropicApiKey, googleApiKey, ollamaBaseUrl } = config.models
  const providers = [
    (openaiApiKey || openaiBaseUrl) && 'OpenAI',
    anthropicApiKey && 'Anthropic',
    googleApiKey && 'Google',
    ollamaBaseUrl && 'Ollama',
  ].filter(Boolean)
  const key = needsKey ? ` -H "Authorization: Bearer $KEY"` : ''
  return [
    `Agent Studio ${version}   ${url}`,
    `  data     ${resolve(config.dataDir)}${isNew ? '   (new)' : ''}`,
    `  models   ${['demo (built in, offline)', ...providers].join(', ')}`,
    `  keys     ${needsKey ? 'every request needs one' : 'none: whoever is on this machine may do everything'}`,
    `  try      curl -X POST ${url}/api/workflows/execute${key} -H 'Content-Type: application/json' -d '{"deployment_name": "hello", "query": "What can you do?"}'`,
    `  docs     ${url}/docs`,
  ].join('\n')
}
