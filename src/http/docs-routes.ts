import type { FastifyRequest } from 'fastify'
import type { App } from './app.ts'
import type { DescribedRoute } from './described-routes.ts'
import type { Docs } from './docs.ts'
import { sendPage } from './pages.ts'
import { Type } from './type.ts'

/**
 * What the server says about itself: `/hc`, `/openapi.json` and the pages under `/docs`.
 * @param routes as many as there are by the first request
 */
export function docsRoutes(app: App, routes: readonly DescribedRoute[], version: string): void {
  // Loaded and made when first asked for: few starts are for reading.
  let docs: Promise<Docs> | undefined
  const open = (): Promise<Docs> => (docs ??= import('./docs.ts').then(({ Docs }) => new Docs(routes, version)))

  app.get('/hc', { config: { scope: 'none', load: 'always' }, schema: health }, () => ({ status: 'ok' as const }))
  app.get('/openapi.json', { config, schema: description }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send((await open()).json),
  )
  // Whoever types the server's address into a browser looks for something to read.
  app.get('/', { config }, (_request, reply) => reply.redirect('/docs'))
  app.get('/docs', { config }, async (request, reply) => sendPage(reply, (await open()).reference(originOf(request))))
  app.get('/docs/errors', { config }, async (_request, reply) => sendPage(reply, (await open()).errors))
  app.get('/docs/style.css', { config }, async (_request, reply) => reply.type('text/css; charset=utf-8').send((await open()).style))
}

/** What anybody can read in the source, but not which version of it runs here. */
const config = { scope: 'any' } as const

const health = {
  operationId: 'getHealth',
  summary: 'Check that the server answers',
  tags: ['operations'],
  response: { 200: Type.Object({ status: Type.Literal('ok') }) },
}

const description = {
  operationId: 'getOpenApi',
  summary: 'Get this description as OpenAPI 3.1',
  tags: ['operations'],
  response: { 200: { type: 'object', description: 'The OpenAPI document.' } },
}

/** As the reader wrote it, also behind a proxy that is trusted. It was checked, so it is one of ours. */
function originOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host || 'localhost'}`
}
