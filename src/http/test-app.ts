import { connect } from 'node:net'
import { pino } from 'pino'
import { Type } from './type.ts'
import { type App, type AppOptions, createApp } from './app.ts'
import { FreeForm } from './free-form.ts'
import { EXECUTE_BODY_LIMIT } from './json-body.ts'
import { formatEvent, openEventStream } from './sse.ts'

/** An app with a route for each thing that the edge does, for the tests of this folder. */

const strict = { additionalProperties: false }

const Thing = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 10 }),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
    mode: Type.Optional(Type.Union([Type.Literal('drain'), Type.Literal('cancel')])),
    since: Type.Optional(Type.String({ format: 'date-time' })),
    parent: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    runtime_config: Type.Optional(Type.Object({ timeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })) }, strict)),
    chat_history: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Object({ actor: Type.String(), content: Type.String() }, strict),
          Type.Object({ role: Type.String(), content: Type.String() }, strict),
        ]),
      ),
    ),
    input: Type.Optional(FreeForm),
  },
  strict,
)

const NAME_RULE = "A name has letters, digits and '-', and begins with a letter."
const Named = Type.Object({ name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,127}$', 'x-message': NAME_RULE }) })

export interface TestApp {
  app: App
  /** What was logged, parsed. */
  logged: { level: number; msg: string; err?: { message: string } }[]
}

export async function testApp(options: Partial<AppOptions> = {}): Promise<TestApp> {
  const logged: TestApp['logged'] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const app = await createApp({ logger, allowedHosts: ['studio.example'], version: '1.2.3', ...options })
  app.register(routes)
  return { app, logged }
}

async function routes(app: App): Promise<void> {
  app.post(
    '/things',
    { schema: { operationId: 'createThing', summary: 'Create', tags: ['things'], body: Thing } },
    (request) => request.body,
  )
  app.post('/lenient', { config: { nullIsAbsent: true }, schema: { body: Thing } }, (request) => request.body)
  app.post('/large', { bodyLimit: EXECUTE_BODY_LIMIT, schema: { body: Thing } }, () => ({ ok: true }))
  app.post('/bare', { schema: {} }, (request) => request.body)
  app.get('/search', { schema: { operationId: 'search', summary: 'Search', querystring: Search } }, (request) => request.query)
  app.get('/named/:name', { schema: { operationId: 'named', summary: 'Named', params: Named } }, (request) => request.params)
  app.get('/named/:name/releases/:number', { schema: { params: Numbered } }, (request) => request.params)
  app.get('/ids/:id', { schema: { params: Type.Object({ id: Type.String({ format: 'uuid' }) }) } }, (request) => request.params)
  app.get('/stream', (_request, reply) => {
    const stream = openEventStream(reply)
    stream.write(formatEvent(1, { text: 'é' }))
    stream.end()
  })
  app.get('/boom', () => {
    throw Object.assign(new Error('secret'), { statusCode: 404, code: 'ENOENT' })
  })
}

const Search = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    is_active: Type.Optional(Type.Boolean()),
    status: Type.Optional(Type.Array(Type.String())),
    q: Type.Optional(Type.String()),
  },
  strict,
)

const Numbered = Type.Object({ name: Named.properties.name, number: Type.Integer({ minimum: 1 }) })

/** Sends bytes as they are, and resolves with everything that came back once the server has closed the connection. */
export function exchange(port: number, ...chunks: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const chunk of chunks) socket.write(chunk)
    })
    let received = ''
    socket.on('data', (data) => (received += data.toString('latin1')))
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

export async function listen(app: App): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as { port: number }).port
}
