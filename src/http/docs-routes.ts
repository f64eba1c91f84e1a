import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from './app.ts'
import { docsPage, ORIGIN } from './docs-page.ts'
import { DOCS_STYLE } from './docs-style.ts'
import { errorsPage } from './errors-page.ts'
import { escapeHtml } from './html.ts'
import { openApiDocument } from './openapi.ts'
import { PAGE_POLICY } from './security-headers.ts'

/** What the server says about itself: `/hc`, `/openapi.json` and the pages under `/docs`. */
export function docsRoutes(app: App): void {
  // Made at the first request, when all routes are there.
  const json = once(() => JSON.stringify(openApiDocument(app)))
  const reference = once(() => docsPage(openApiDocument(app)).text)
  const errors = once(() => errorsPage().text)

  app.get('/hc', { schema: health }, () => ({ status: 'ok' as const }))
  app.get('/openapi.json', { schema: description }, (_request, reply) => reply.type('application/json; charset=utf-8').send(json()))
  // Whoever types the server's address into a browser looks for something to read.
  app.get('/', (_request, reply) => reply.redirect('/docs'))
  app.get('/docs', (request, reply) => sendPage(reply, reference().replaceAll(ORIGIN, escapeHtml(originOf(request)))))
  app.get('/docs/errors', (_request, reply) => sendPage(reply, errors()))
  app.get('/docs/style.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(DOCS_STYLE))
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

/** The examples name the address that the reader came by. Host was checked, so it is one of ours. */
function originOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host || 'localhost'}`
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}
