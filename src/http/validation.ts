import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile, ErrorContext, ErrorSchema, Stack, type Validator } from 'typebox/schema'
import { Type } from './type.ts'
import { InvalidInput, type Issue, MalformedBody } from '../errors.ts'
import { limitIssues } from '../limit-issues.ts'
import { dropNulls } from './absent.ts'
import { checkIdempotencyKey } from './idempotency-key.ts'
import { issuesOf, type Part } from './issues.ts'
import { overlongLists } from './list-limit.ts'
import { convertParams, convertQuery } from './query.ts'

/**
 * Checks what comes in against the schemas of the route, before the handler, and collects every problem of path, query,
 * body and `Idempotency-Key` into one `InvalidInput`.
 *
 * TypeBox checks, not Ajv, which Fastify brings: with `allErrors` Ajv builds an error for each wrong item, and ten megabytes
 * hold five million of those; TypeBox stops at a number.
 */

/** Problems that an answer lists at most. */
export const MAX_ISSUES = 100

/** Faults that are looked for at most: several can be one problem, where a value fits none of several forms. */
const MAX_FAULTS = 5 * MAX_ISSUES

/** What a route that declares no body accepts when it gets one all the same. */
const NO_BODY = Type.Object({}, { additionalProperties: false })
const NO_QUERY = Type.Object({}, { additionalProperties: false })

const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `null` in an optional field of the body counts as absent. Without it, `null` is a problem where the schema has none. */
    nullIsAbsent?: boolean
    /** Finds problems of a body that a schema cannot say, so that they are reported with all others. Gets any object at all. */
    alsoCheck?: (body: Readonly<Record<string, unknown>>, request: FastifyRequest) => Issue[]
  }
}

/** An `onRoute` hook. A route without any `schema` (a page, a file) is left alone. */
export function validateRoute(route: RouteOptions): void {
  if (!route.schema) return
  const schema = route.schema as { params?: TSchema; querystring?: TSchema; body?: TSchema }
  const checks: ((request: FastifyRequest) => Issue[])[] = [checkQuery(schema.querystring ?? NO_QUERY)]
  if (schema.params) checks.unshift(checkParams(schema.params))
  if (takesBody(route.method)) checks.push(checkBody(schema.body ?? NO_BODY, route.config?.nullIsAbsent === true))

  const { alsoCheck } = route.config ?? {}
  if (alsoCheck) checks.push((request) => (isObject(request.body) ? limitIssues(alsoCheck(request.body, request), MAX_ISSUES) : []))

  if ([route.method].flat().includes('POST')) checks.push(checkIdempotencyKey)

  const validate = (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    let error: Error | undefined
    try {
      const errors = checks.flatMap((check) => check(request))
      if (errors.length > 0) error = new InvalidInput({ errors })
    } catch (fault) {
      error = fault as Error
    }
    done(error)
  }
  route.preValidation = [validate, ...[route.preValidation ?? []].flat()]
}

function checkParams(schema: TSchema) {
  const fits = compileLater(schema)
  return (request: FastifyRequest): Issue[] => {
    const params = convertParams(schema, request.params as Record<string, string>)
    request.params = params
    // A malformed id is an id that does not exist: the route answers 404, so `format` only documents here.
    return problems(schema, fits, params, 'path').filter((issue) => issue.code !== 'wrong_format' || !isFormat(schema, issue.pointer))
  }
}

function checkQuery(schema: TSchema) {
  const fits = compileLater(schema)
  return (request: FastifyRequest): Issue[] => {
    const query = convertQuery(schema, request.query as Record<string, string | string[]>)
    request.query = query
    return problems(schema, fits, query, 'query')
  }
}

/** An empty body stands for `{}` where `{}` would do, whatever its Content-Type. */
function checkBody(schema: TSchema, nullIsAbsent: boolean) {
  const fits = compileLater(schema)
  return (request: FastifyRequest): Issue[] => {
    if (request.body === undefined) {
      if (!fits({})) throw new MalformedBody({ reason: 'the body is empty' })
      request.body = {}
    }
    if (nullIsAbsent) dropNulls(schema, request.body)
    return problems(schema, fits, request.body, 'body')
  }
}

/** Compiled when the first request comes, which takes a millisecond: all of them together would hold up every start. */
function compileLater(schema: TSchema): (value: unknown) => boolean {
  let validator: Validator | undefined
  return (value) => (validator ??= Compile(schema)).Check(value)
}

function problems(schema: TSchema, fits: (value: unknown) => boolean, value: unknown, part: Part): Issue[] {
  if (fits(value)) return []
  // TypeBox still steps through all items after its last error, at a microsecond each: a list beyond its limit is not gone into.
  const tooLong = overlongLists(schema, value)
  if (tooLong.length > 0) return tooLong
  const faults = faultsOf(schema, value)
  const issues = issuesOf(faults, schema, value, part)
  return limitIssues(issues, MAX_ISSUES, issues.length > MAX_ISSUES || faults.length >= MAX_FAULTS)
}

function faultsOf(schema: TSchema, value: unknown) {
  const faults = new Faults()
  ErrorSchema(Stack({}, schema), faults, '#', '', schema, value)
  return faults.GetErrors()
}

/** TypeBox's own limit is one setting for the whole process. */
class Faults extends ErrorContext {
  override AtCapacity(): boolean {
    return this.GetErrors().length >= MAX_FAULTS
  }
}

function isFormat(schema: TSchema, pointer: string): boolean {
  const properties = (schema as { properties?: Record<string, { format?: string; pattern?: string }> }).properties ?? {}
  const { format, pattern } = properties[pointer.slice(1)] ?? {}
  return format !== undefined && pattern === undefined
}

function takesBody(method: string | string[]): boolean {
  return [method].flat().some((one) => METHODS_WITH_BODY.has(one))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
