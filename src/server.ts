import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import pino, { type Logger } from 'pino'
import { registerAgentRoutes } from './agents/routes.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { registerDeploymentRoutes } from './deployments/routes.ts'
import { EventHub } from './engine/event-hub.ts'
import type { Meter } from './engine/meter.ts'
import { InProcessDispatcher } from './engine/in-process-dispatcher.ts'
import { SqliteJournal } from './engine/sqlite/sqlite-journal.ts'
import { StorageFull } from './errors.ts'
import { setUpExample } from './example.ts'
import { registerExecutionRoutes } from './executions/routes.ts'
import type { Answer } from './http/answers.ts'
import { createApp, type App } from './http/app.ts'
import { Housekeeper } from './housekeeping/housekeeper.ts'
import { honourIdempotencyKeys } from './idempotency/hooks.ts'
import { countEventStreams } from './http/sse.ts'
import type { Models } from './models/model.ts'
import { createModels } from './models/providers.ts'
import { Metrics } from './operations/metrics.ts'
import { Readiness } from './operations/readiness.ts'
import { probeStorage } from './operations/repository.ts'
import { registerOperationRoutes } from './operations/routes.ts'
import { StartRefused } from './start-refused.ts'
import { stopServer } from './stop-server.ts'
import { openDatabaseFile } from './store/sqlite/database-file.ts'
import { giveBackPages } from './store/sqlite/give-back.ts'
import { SqliteStore } from './store/sqlite/sqlite-store.ts'
import type { Studio } from './studio.ts'
import { version } from './version.ts'
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
  /** Takes no new work, lets executions end for a while, and frees everything. */
  stop(): Promise<void>
}

/**
 * @param writer the writing thread, which loads its modules while this one loads its own
 * @throws StartRefused with the one line that says what is wrong
 */
export async function startServer(config: Config, writer: Worker): Promise<RunningServer> {
  const models = createModels(config.models)
  if (!models.resolve(models.default)) {
    throw new StartRefused(
      `AGENT_STUDIO_DEFAULT_MODEL is '${models.default}', for which no provider is known. Write it as provider/model, with openai, anthropic, google, ollama or demo.`,
    )
  }
  await refuseTakenPort(config)
  const logger = pino({ level: config.logLevel }, pino.destination(2))
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
  const onFault = (error: unknown): void => logger.error({ err: error }, 'a fault in the server')
  const housekeeper = new Housekeeper({
    store,
    clock: systemClock,
    retentionMs: config.retentionMs,
    giveBack: () => store.write(giveBackPages, GIVE_BACK_MS),
    onFault,
  })
  const studio = { ...compose(config, store, models, metrics.engine, onFault), purge: () => housekeeper.purge() }
  const isNew = await setUpExample(studio).catch((error: unknown) => {
    throw error instanceof StorageFull ? new StartRefused(`The disk of the database ${database.file} is full.`) : error
  })
  hasBegun = true
  const app: App = await createStudioApp(config, logger, studio, metrics)
  registerOperationRoutes(app, { readiness, metrics, store })
  // Listed before the first request can add to them.
  studio.dispatcher.recover().catch(onFault)
  housekeeper.start()

  const free = async (): Promise<void> => {
    await housekeeper.stop()
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
  return { url, isNew, stop }
}

function compose(
  config: Config,
  store: SqliteStore,
  models: Models,
  meter: Meter,
  onFault: (error: unknown) => void,
): Omit<Studio, 'purge'> {
  const journal = new SqliteJournal(store)
  const hub = new EventHub()
  const clock = systemClock
  const services = { journal, hub, models, clock, meter, restFromMs: REST_FROM_MS, onFault }
  const dispatcher = new InProcessDispatcher(services)
  return { store, journal, dispatcher, hub, models, clock, environments: config.environments }
}

async function createStudioApp(config: Config, logger: Logger, studio: Studio, { http }: Metrics): Promise<App> {
  // At info Fastify would say that it listens, which the banner says already.
  const quiet = logger.child({}, { level: logger.level === 'info' ? 'warn' : logger.level })
  const onAnswer = (answer: Answer): void => http.answered(answer)
  const app = await createApp({ logger: quiet, allowedHosts: [config.host, ...config.allowedHosts], version, onAnswer })
  honourIdempotencyKeys(app, studio)
  registerWorkflowRoutes(app, studio)
  registerDeploymentRoutes(app, studio)
  registerExecutionRoutes(app, studio)
  registerAgentRoutes(app, studio)
  return app
}

async function listen(app: App, { host, port }: Config): Promise<string> {
  try {
    // By name Fastify would listen a second time, on a server that lacks our handlers of malformed requests.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
  } catch (error) {
    throw refusalToListen(error as NodeJS.ErrnoException, host, port)
  }
  const address = app.server.address()
  const actualPort = typeof address === 'object' && address ? address.port : port
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : host
  return `http://${name}:${actualPort}`
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
export function banner({ url, isNew }: RunningServer, config: Config): string {
  const { openaiApiKey, openaiBaseUrl, anthropicApiKey, googleApiKey, ollamaBaseUrl } = config.models
  const providers = [
    (openaiApiKey || openaiBaseUrl) && 'OpenAI',
    anthropicApiKey && 'Anthropic',
    googleApiKey && 'Google',
    ollamaBaseUrl && 'Ollama',
  ].filter(Boolean)
  return [
    `Agent Studio ${version}   ${url}`,
    `  data     ${resolve(config.dataDir)}${isNew ? '   (new)' : ''}`,
    `  models   ${['demo (built in, offline)', ...providers].join(', ')}`,
    `  try      curl -X POST ${url}/api/workflows/execute -H 'Content-Type: application/json' -d '{"deployment_name": "hello", "query": "What can you do?"}'`,
    `  docs     ${url}/docs`,
  ].join('\n')
}
