import { environmentsWithin, type Caller } from '../access/caller.ts'
import { knownEnvironment } from '../environments.ts'
import { SecretNotFound } from '../errors.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, sendPage } from '../http/cursor.ts'
import { preconditionOf } from '../http/etag.ts'
import { Type } from '../http/type.ts'
import { findSecret, listSecrets, tagOf, type SecretHead } from './repository.ts'
import { DeletedSetting, DeleteQuery, PlaceParams, PutSecretBody, Secret, SettingsQuery } from './schemas.ts'
import type { Place } from './sealing.ts'
import { checkValue, keysOf, removeSecret, storeSecret, type SecretKeeping } from './store-secret.ts'
import { findUsers } from './used-by.ts'
import { toSecretView, type SecretView } from './view.ts'

const tags = ['secrets']
const config = { scope: 'secrets' } as const

export function registerSecretRoutes(app: App, keeping: SecretKeeping & { environments: readonly string[] }): void {
  const { store, vault, environments } = keeping
  const show = async (rows: readonly SecretHead[], reach: Caller): Promise<SecretView[]> => {
    const used = await findUsers(store.read, { what: 'secrets', rows, reach })
    return rows.map((row, index) => toSecretView(row, vault.hasKey(row.key_id), used[index]!))
  }
  const placeOf = (caller: Caller, { environment, name }: Place): Place => ({
    environment: knownEnvironment(environmentsWithin(caller, environments), environment, '/environment'),
    name,
  })

  app.get(
    '/api/secrets',
    {
      config,
      schema: {
        operationId: 'listSecrets',
        summary: 'List secrets',
        description: 'By name and environment, without their values, which no answer shows.',
        tags,
        querystring: SettingsQuery,
        response: { 200: Type.Array(Secret) },
      },
    },
    async (request, reply) => {
      keysOf(keeping)
      const { environment, q, cursor, limit = DEFAULT_PAGE } = request.query
      const visible = environmentsWithin(request.caller, environments)
      const searched = environment === undefined ? visible : [knownEnvironment(visible, environment, '?environment')]
      const after = decodeCursor(cursor, isPlace)
      const rows = await listSecrets(store.read, { environments: searched, q, after, limit: limit + 1 })
      const page = sendPage(request, reply, rows, limit, ({ name, environment: where }) => ({ name, environment: where }))
      return show(page, request.caller)
    },
  )

  app.get(
    '/api/secrets/:environment/:name',
    {
      config,
      schema: {
        operationId: 'getSecret',
        summary: 'Look at a secret',
        description: 'Everything but its value. The `ETag` is for `If-Match`.',
        tags,
        params: PlaceParams,
        response: { 200: Secret },
      },
    },
    async ({ params, caller }, reply) => {
      keysOf(keeping)
      const place = placeOf(caller, params)
      const row = await findSecret(store.read, place)
      if (!row) throw new SecretNotFound({ environment: place.environment, name: place.name })
      reply.header('etag', tagOf(row))
      return (await show([row], caller))[0]!
    },
  )

  app.put(
    '/api/secrets/:environment/:name',
    {
      config: { ...config, alsoCheck: ({ value }) => checkValue(value) },
      schema: {
        operationId: 'putSecret',
        summary: 'Store a secret',
        description:
          'Makes it, or gives it another value, which counts from the next step on: nothing need be deployed again. With `If-Match` only if it is what the `ETag` said; with `If-None-Match: *` only if it is new.',
        tags,
        params: PlaceParams,
        body: PutSecretBody,
        response: { 200: Secret },
      },
    },
    async (request, reply) => {
      const place = placeOf(request.caller, request.params)
      const { value } = request.body
      const stored = await storeSecret(keeping, { ...place, value, precondition: preconditionOf(request) }, request.origin)
      reply.header('etag', tagOf(stored))
      return (await show([stored], request.caller))[0]!
    },
  )

  app.delete(
    '/api/secrets/:environment/:name',
    {
      config,
      schema: {
        operationId: 'deleteSecret',
        summary: 'Delete a secret',
        description: 'One that active deployments use is 409, unless `force` is true: then what needs it fails from the next step on.',
        tags,
        params: PlaceParams,
        querystring: DeleteQuery,
        response: { 200: DeletedSetting },
      },
    },
    async (request) => {
      const place = placeOf(request.caller, request.params)
      const { force = false } = request.query
      await removeSecret(keeping, { ...place, force, precondition: preconditionOf(request) }, request.origin)
      return { message: 'Secret deleted successfully', ...place }
    },
  )
}

/** Where a page ended. */
export function isPlace(value: unknown): value is Place {
  const position = value as { name?: unknown; environment?: unknown } | null
  return typeof position?.name === 'string' && typeof position.environment === 'string'
}
