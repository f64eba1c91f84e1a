import { describe, expect, it } from 'vitest'
import { compileDataSchema, type DataSchema } from '../../data-schema/data-schema.ts'
import { operationsOf, serverOf } from './operations.ts'

const order = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    parent: { $ref: '#/components/schemas/Order' },
    note: { type: 'string', nullable: true, example: 'x' },
  },
  required: ['id'],
}

const document = {
  openapi: '3.0.3',
  servers: [{ url: 'https://{region}.example.com/v1', variables: { region: { default: 'eu' } } }],
  paths: {
    '/orders/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'Which one.' }],
      get: {
        operationId: 'getOrder',
        summary: 'Reads an order.',
        parameters: [{ $ref: '#/components/parameters/Fields' }, { name: 'Authorization', in: 'header', schema: {} }],
      },
      put: {
        operationId: 'putOrder',
        requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } },
      },
    },
    '/orders': { post: { requestBody: { $ref: '#/components/requestBodies/New' } } },
  },
  components: {
    schemas: { Order: order },
    parameters: { Fields: { name: 'fields', in: 'query', schema: { type: 'array', items: { type: 'string' } } } },
    requestBodies: { New: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } } },
  },
}

const check = (parameters: unknown, value: unknown): unknown => {
  const compiled = compileDataSchema(parameters)
  expect(compiled).not.toHaveProperty('problems')
  return (compiled as DataSchema).check(value).length
}

describe('the operations of an OpenAPI document', () => {
  it('become tools with schemas that stand by themselves', () => {
    const [get, put, post] = operationsOf(document)
    expect([get, put, post].map((one) => [one!.name, one!.method, one!.path, one!.body])).toEqual([
      ['getOrder', 'GET', '/orders/{id}', null],
      ['putOrder', 'PUT', '/orders/{id}', 'json'],
      ['post_orders', 'POST', '/orders', 'json'],
    ])
    expect(get).toMatchObject({
      description: 'Reads an order.',
      places: [
        { argument: 'id', name: 'id', in: 'path' },
        { argument: 'fields', name: 'fields', in: 'query' },
      ],
    })
    expect(check(get!.parameters, { id: 'a', fields: ['x'] })).toBe(0)
    expect(check(get!.parameters, { fields: 'x' })).toBe(2)
    expect(check(put!.parameters, { id: 'a', body: { id: 'a', note: null, parent: { id: 'b', parent: { id: 'c' } } } })).toBe(0)
    expect(check(put!.parameters, { id: 'a', body: { id: 'a', parent: { parent: { id: 'c' } } } })).toBe(1)
    expect(check(put!.parameters, { id: 'a' })).toBe(1)
  })

  it('are chosen by their ids, or by method and path', () => {
    expect(operationsOf(document, ['getOrder', 'POST /orders']).map(({ name }) => name)).toEqual(['getOrder', 'post_orders'])
    expect(() => operationsOf(document, ['getOrder', 'nothing'])).toThrow(`has no operation 'nothing'`)
  })

  it('are at the server that the document names', () => {
    expect(serverOf(document, undefined)).toBe('https://eu.example.com/v1')
    expect(serverOf({ ...document, servers: [{ url: '/api' }] }, 'https://x.org/docs/openapi.json')).toBe('https://x.org/api')
    expect(serverOf({}, undefined)).toBeUndefined()
  })

  const withOperation = (operation: object): object => ({ openapi: '3.1.0', paths: { '/a/{b}': { get: operation } } })
  it.each([
    [7, 'no OpenAPI 3 document'],
    [{ swagger: '2.0' }, 'no OpenAPI 3 document'],
    [{ openapi: '3.1.0' }, 'has no operations'],
    [withOperation({}), `does not describe 'b'`],
    [withOperation({ parameters: [{ $ref: 'https://evil.org/x' }] }), 'only references within the document'],
    [withOperation({ parameters: [{ $ref: '#/nowhere' }] }), 'which it does not have'],
    [withOperation({ parameters: [{ $ref: '#/__proto__/x' }] }), 'which it does not have'],
    [{ ...withOperation({ parameters: [{ $ref: '#/a' }] }), a: { $ref: '#/b' }, b: { $ref: '#/a' } }, 'lead in a circle'],
    [withOperation({ parameters: [{ name: 'b', in: 'path', description: 'x'.repeat(60_000) }] }), 'more than 50000 characters'],
    [
      { openapi: '3.1.0', paths: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`/${index}`, { get: {} }])) },
      'more than 100 operations',
    ],
  ])('are not taken of %j', (wrong, reason) => {
    expect(() => operationsOf(wrong)).toThrow(reason)
  })
})
