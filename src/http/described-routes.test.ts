import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { operationOf, recordRoutes } from './described-routes.ts'
import { Type } from './type.ts'

const schema = {
  operationId: 'changeThing',
  summary: 'Change a thing',
  tags: ['things'],
  params: Type.Object({ id: Type.String({ examples: ['a', 'b'], description: 'Which.' }) }),
  querystring: Type.Object({ q: Type.String(), limit: Type.Optional(Type.Integer()) }),
  headers: Type.Object({ 'last-event-id': Type.Optional(Type.String()) }),
  body: Type.Object({ name: Type.Optional(Type.String()) }, { examples: [{ name: 'a' }], description: 'The change.' }),
  response: {
    200: Type.Object({ id: Type.String() }, { description: 'The thing.' }),
    201: { description: 'As text.', content: { 'text/plain': { schema: Type.String() } } },
    202: Type.String(),
    204: Type.Null({ description: 'Nothing.' }),
  },
}

async function register() {
  const app = fastify()
  const routes = recordRoutes(app)
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  app.put('/things/:id/parts/:part', { config: { scope: 'deploy' }, schema }, () => null)
  app.get('/page', () => null)
  await app.register(async (part) => part.get('/:id', { schema: { operationId: 'getThing' } }, () => null), { prefix: '/things' })
  return routes
}

describe('a described route', () => {
  it('is one with a name, as OpenAPI writes addresses, without the HEAD that each GET has', async () => {
    expect((await register()).map(({ method, path }) => `${method} ${path}`)).toEqual(['put /things/{id}/parts/{part}', 'get /things/{id}'])
  })

  it('has its parameters, its body and its answers, with their examples beside the schema', async () => {
    const [route] = await register()
    expect(operationOf(route!)).toEqual({
      operationId: 'changeThing',
      summary: 'Change a thing',
      tags: ['things'],
      security: [{ apiKey: ['deploy'] }],
      parameters: [
        { in: 'query', name: 'q', required: true, schema: { type: 'string' } },
        { in: 'query', name: 'limit', required: false, schema: { type: 'integer' } },
        { in: 'path', name: 'id', required: true, description: 'Which.', schema: { type: 'string' }, example: 'a' },
        { in: 'header', name: 'last-event-id', required: false, schema: { type: 'string' } },
      ],
      requestBody: {
        required: false,
        description: 'The change.',
        content: {
          'application/json': {
            schema: { type: 'object', description: 'The change.', properties: { name: { type: 'string' } } },
            example: { name: 'a' },
          },
        },
      },
      responses: {
        200: {
          description: 'The thing.',
          content: {
            'application/json': {
              schema: { type: 'object', description: 'The thing.', required: ['id'], properties: { id: { type: 'string' } } },
            },
          },
        },
        201: { description: 'As text.', content: { 'text/plain': { schema: { type: 'string' } } } },
        202: { description: 'Success.', content: { 'application/json': { schema: { type: 'string' } } } },
        204: { description: 'Nothing.' },
      },
    })
  })
})
