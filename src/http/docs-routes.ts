import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from './app.ts'
import type { DescribedRoute } from './described-routes.ts'
import type { Docs } from './docs.ts'
import { PAGE_POLICY } from './security-headers.ts'
import { Type } from './type.ts'

/**
 * What the server says about itself: `/hc`, `/openapi.json` and the pages under `/docs`.
 * @param routes as many as there are by the first request
 */
export function docsRoutes(app: App, routes: readonly DescribedRoute[], version: string): void {
  // Loaded and made when first asked for: few starts are for reading.
  let docs: Promise<Docs> | undefined
  const open = (): Promise<Docs> => (docs ??= import('./docs.ts').then(({ Docs }) => new Docs(routes, version)))

  app.get('/hc', { schema: health }, () => ({ status: 'ok' as const }))
  app.get('/openapi.json', { schema: description }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send((await open()).json),
  )
  // Whoever types the server's address into a browser looks for something to read.
  app.get('/', (_request, reply) => reply.redirect('/docs'))
  app.get('/docs', async (request, reply) => sendPage(reply, (await open()).reference(originOf(request))))
  app.get('/docs/errors', async (_request, reply) => sendPage(reply, (await open()).errors))
  app.get('/docs/style.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send((await open()).style))
}

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

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply.header('content-security-policy', PAGE_POLICY).type('text/html; charset=utf-8').send(page)
}

/** Host was checked, so it is one of ours. */
function originOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host || 'localhost'}`
}
