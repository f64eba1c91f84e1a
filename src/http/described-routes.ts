import type { FastifyInstance, RouteOptions } from 'fastify'
import type { JsonSchema } from './json-schema.ts'
import type { Media, Operation, Parameter, ResponseObject } from './openapi.ts'

/** A route that is part of the API, since it has a name of its own. Pages and files have none. */
export interface DescribedRoute {
  method: string
  /** As OpenAPI writes it: `/things/{id}`. */
  path: string
  /** Which scope an API key must have; `any` where every key will do, `none` where none is needed. */
  scope: string
  schema: RouteSchema
}

/** What of a route's schema is for readers alone. */
interface Description {
  /** Makes the route a part of the API. */
  operationId?: string
  summary?: string
  description?: string
  tags?: readonly string[]
  deprecated?: boolean
}

interface RouteSchema extends Description {
  querystring?: JsonSchema
  params?: JsonSchema
  headers?: JsonSchema
  body?: JsonSchema
  /** By status: a schema, or what OpenAPI itself says of an answer that is no JSON. */
  response?: Record<string, JsonSchema | { description?: string; content: Record<string, Media> }>
}

declare module 'fastify' {
  interface FastifySchema extends Description {}
}

/** Lists what is registered from now on, and reads none of it: descriptions are made when somebody asks for them. */
export function recordRoutes(app: FastifyInstance): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema, config }: RouteOptions) => {
    if (schema?.operationId === undefined) return
    const path = url.replaceAll(/:(\w+)/g, '{$1}')
    // Fastify adds a HEAD to each GET, which needs no description.
    const methods = [method].flat().filter((one) => one !== 'HEAD')
    const { scope = 'any' } = (config ?? {}) as { scope?: string }
    routes.push(...methods.map((one) => ({ method: one.toLowerCase(), path, scope, schema: schema as RouteSchema })))
  })
  return routes
}

export function operationOf({ scope, schema }: DescribedRoute): Operation {
  const { operationId, summary, tags, description, deprecated, querystring, params, headers, body, response = {} } = schema
  const parameters = [...parametersOf('query', querystring), ...parametersOf('path', params), ...parametersOf('header', headers)]
  return {
    ...(operationId !== undefined && { operationId }),
    ...(summary !== undefined && { summary }),
    ...(tags && { tags: [...tags] }),
    ...(description !== undefined && { description }),
    ...(deprecated !== undefined && { deprecated }),
    security: securityOf(scope),
    ...(body && { requestBody: requestBodyOf(body) }),
    ...(parameters.length > 0 && { parameters }),
    responses: Object.fromEntries(Object.entries(response).map(([status, answer]) => [status, responseOf(answer)])),
  }
}

/** OpenAPI 3.1 lets what is no OAuth name roles as well. */
function securityOf(scope: string): NonNullable<Operation['security']> {
  if (scope === 'none') return []
  return [{ apiKey: scope === 'any' ? [] : [scope] }]
}

function parametersOf(where: Parameter['in'], schema: JsonSchema | undefined): Parameter[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property
    return {
      ...mediaOf(rest),
      in: where,
      name,
      required: where === 'path' || schema?.required?.includes(name) === true,
      ...(description !== undefined && { description }),
    }
  })
}

/** An empty body stands for {} (validation.ts). */
function requestBodyOf(body: JsonSchema): NonNullable<Operation['requestBody']> {
  const { description } = body
  return {
    required: (body.required?.length ?? 0) > 0,
    content: { 'application/json': mediaOf(body) },
    ...(description !== undefined && { description }),
  }
}

function responseOf(answer: NonNullable<RouteSchema['response']>[string]): ResponseObject {
  const { description = 'Success.' } = answer
  if ('content' in answer) return { description, content: answer.content }
  // An answer without a body is written as a schema, too.
  return answer.type === 'null' ? { description } : { description, content: { 'application/json': mediaOf(answer) } }
}

/** OpenAPI shows an example beside the schema. */
function mediaOf({ examples, ...schema }: JsonSchema): Media {
  return { schema, ...(examples?.[0] !== undefined && { example: examples[0] }) }
}
