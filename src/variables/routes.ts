import { environmentsWithin, type Caller } from '../access/caller.ts'
import { toTimestamp, type Clock } from '../clock.ts'
import { knownEnvironment } from '../environments.ts'
import { VariableNotFound } from '../errors.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, sendPage } from '../http/cursor.ts'
import { preconditionOf } from '../http/etag.ts'
import { Type } from '../http/type.ts'
import { isPlace } from '../secrets/routes.ts'
import { DeletedSetting, DeleteQuery, PlaceParams, SettingsQuery } from '../secrets/schemas.ts'
import type { Place } from '../secrets/sealing.ts'
import { findUsers, type UsedBy } from '../secrets/used-by.ts'
import type { Store } from '../store/store.ts'
import type { VariableRow } from '../store/tables.ts'
import { deleteVariable, findVariable, listVariables, putVariable, tagOf } from './repository.ts'
import { PutVariableBody, Variable } from './schemas.ts'
import type { StoredVariables } from './variables.ts'

const tags = ['variables']

export interface VariableKeeping {
  store: Store
  clock: Clock
  variables: StoredVariables
  environments: readonly string[]
}

export function registerVariableRoutes(app: App, { store, clock, variables, environments }: VariableKeeping): void {
  const show = async (rows: readonly VariableRow[], reach: Caller) => {
    const used = await findUsers(store.read, { what: 'variables', rows, reach })
    return rows.map((row, index) => toVariableView(row, used[index]!))
  }
  const placeOf = (caller: Caller, { environment, name }: Place): Place => ({
    environment: knownEnvironment(environmentsWithin(caller, environments), environment, '/environment'),
    name,
  })

  app.get(
    '/api/variables',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listVariables',
        summary: 'List variables',
        description: 'By name and environment.',
        tags,
        querystring: SettingsQuery,
        response: { 200: Type.Array(Variable) },
      },
    },
    async (request, reply) => {
      const { environment, q, cursor, limit = DEFAULT_PAGE } = request.query
      const visible = environmentsWithin(request.caller, environments)
      const searched = environment === undefined ? visible : [knownEnvironment(visible, environment, '?environment')]
      const after = decodeCursor(cursor, isPlace)
      const rows = await listVariables(store.read, { environments: searched, q, after, limit: limit + 1 })
      const page = sendPage(request, reply, rows, limit, ({ name, environment: where }) => ({ name, environment: where }))
      return show(page, request.caller)
    },
  )

  app.get(
    '/api/variables/:environment/:name',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'getVariable',
        summary: 'Look at a variable',
        description: 'The `ETag` is for `If-Match`.',
        tags,
        params: PlaceParams,
        response: { 200: Variable },
      },
    },
    async ({ params, caller }, reply) => {
      const place = placeOf(caller, params)
      const row = await findVariable(store.read, place)
      if (!row) throw new VariableNotFound({ environment: place.environment, name: place.name })
      reply.header('etag', tagOf(row))
      return (await show([row], caller))[0]!
    },
  )

  app.put(
    '/api/variables/:environment/:name',
    {
      config: { scope: 'secrets' },
      schema: {
        operationId: 'putVariable',
        summary: 'Store a variable',
        description:
          'Makes it, or gives it another value, which counts for executions that begin later. With `If-Match` only if it is what the `ETag` said; with `If-None-Match: *` only if it is new.',
        tags,
        params: PlaceParams,
        body: PutVariableBody,
        response: { 200: Variable },
      },
    },
    async (request, reply) => {
      const place = placeOf(request.caller, request.params)
      const put = { ...place, value: request.body.value, precondition: preconditionOf(request), now: clock.now() }
      const stored = await store.write(putVariable, put, request.origin)
      variables.changed(place.environment)
      reply.header('etag', tagOf(stored))
      return (await show([stored], request.caller))[0]!
    },
  )

  app.delete(
    '/api/variables/:environment/:name',
    {
      config: { scope: 'secrets' },
      schema: {
        operationId: 'deleteVariable',
        summary: 'Delete a variable',
        description: 'One that active deployments use is 409, unless `force` is true: then what needs it fails.',
        tags,
        params: PlaceParams,
        querystring: DeleteQuery,
        response: { 200: DeletedSetting },
      },
    },
    async (request) => {
      const place = placeOf(request.caller, request.params)
      const { force = false } = request.query
      await store.write(deleteVariable, { ...place, force, precondition: preconditionOf(request), now: clock.now() }, request.origin)
      variables.changed(place.environment)
      return { message: 'Variable deleted successfully', ...place }
    },
  )
}

function toVariableView(row: VariableRow, used_by: UsedBy) {
  return { ...row, created_at: toTimestamp(row.created_at), updated_at: toTimestamp(row.updated_at), used_by }
}
