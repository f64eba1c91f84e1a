import type { Static } from 'typebox'
import { InvalidInput, SecretShownOnce } from '../errors.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import { Type } from '../http/type.ts'
import type { Studio } from '../studio.ts'
import { environmentsWithin, type Caller, type Reach } from './caller.ts'
import { checkLimits } from './check-new-key.ts'
import { makeKey } from './key-text.ts'
import { changeKey, createKey, getKey, listKeys, revokeKey, type NewKey } from './repository.ts'
import { ChangeKeyBody, CreateKeyBody, CreateKeyResponse, Key, RevokeKeyResponse } from './schemas.ts'
import { toKeyView } from './view.ts'

const tags = ['keys']
const config = { scope: 'admin' } as const
const IdParams = Type.Object({ key_id: Type.String() })

export function registerKeyRoutes(app: App, { store, clock, environments }: Pick<Studio, 'store' | 'clock' | 'environments'>): void {
  app.post(
    '/api/keys',
    {
      config,
      schema: {
        operationId: 'createKey',
        summary: 'Make an API key',
        description:
          'The answer shows the key, this once. It may do no more than the key that it is made with. From the first key on every request but those for health needs one.',
        tags,
        body: CreateKeyBody,
        response: { 200: CreateKeyResponse },
      },
    },
    async ({ body, caller, origin, idempotency }) => {
      const now = clock.now()
      const wanted = readKey(body)
      const errors = checkLimits(wanted, environmentsWithin(caller, environments), now)
      if (errors.length > 0) throw new InvalidInput({ errors })
      const made = makeKey()
      const record = await store.write(createKey, { ...made, ...wanted, must_leave_admin: true, now }, origin)
      // The result of a request that was sent before is the key that it made, whose secret is gone.
      if (record.key_id !== made.key_id) throw new SecretShownOnce({ made: 'the key', id: record.key_id })
      idempotency?.keepNoAnswer()
      return { ...toKeyView(record, now), key: made.key }
    },
  )

  app.get(
    '/api/keys',
    {
      config,
      schema: {
        operationId: 'listKeys',
        summary: 'List the API keys',
        description: 'Newest first, without their secrets. Revoked ones stay, since what was done with them names them.',
        tags,
        querystring: Type.Object(
          { status: Type.Optional(Type.Enum(['active', 'expired', 'revoked'])), ...pageQuery },
          { additionalProperties: false },
        ),
        response: { 200: Type.Array(Key) },
      },
    },
    async (request, reply) => {
      const { status, cursor, limit = DEFAULT_PAGE } = request.query
      const now = clock.now()
      const after = decodeCursor(cursor, isPosition)
      const rows = await listKeys(store.read, request.caller, { status, after, limit: limit + 1, now })
      const page = sendPage(request, reply, rows, limit, ({ created_at, key_id }) => ({ created_at, key_id }))
      return page.map((row) => toKeyView(row, now))
    },
  )

  app.get(
    '/api/keys/:key_id',
    { config, schema: { operationId: 'getKey', summary: 'Look at an API key', tags, params: IdParams, response: { 200: Key } } },
    async ({ params, caller }) => toKeyView(await getKey(store.read, caller, params.key_id), clock.now()),
  )

  app.patch(
    '/api/keys/:key_id',
    {
      config,
      schema: {
        operationId: 'changeKey',
        summary: 'Change the name or the limits of an API key',
        description: 'Changes only the fields sent, from the next request of the key on. What a key may do never changes: make another.',
        tags,
        params: IdParams,
        body: ChangeKeyBody,
        response: { 200: Key },
      },
    },
    async ({ params, body, caller, origin }) => {
      const now = clock.now()
      const change = { key_id: params.key_id, reach: reachOf(caller), changes: body, now }
      return toKeyView(await store.write(changeKey, change, origin), now)
    },
  )

  app.delete(
    '/api/keys/:key_id',
    {
      config,
      schema: {
        operationId: 'revokeKey',
        summary: 'Revoke an API key',
        description:
          'From the answer on it is not accepted, whatever it was doing. Irreversible. The last key that may manage keys cannot be revoked here.',
        tags,
        params: IdParams,
        response: { 200: RevokeKeyResponse },
      },
    },
    async ({ params, caller, origin }) => {
      const now = clock.now()
      const revocation = { key_id: params.key_id, reach: reachOf(caller), must_leave: 'admin' as const, now }
      const record = await store.write(revokeKey, revocation, origin)
      return { message: `Key '${record.name}' revoked successfully`, ...toKeyView(record, now) }
    },
  )
}

function readKey(body: Static<typeof CreateKeyBody>): Omit<NewKey, 'key_id' | 'key' | 'must_leave_admin' | 'now'> {
  const { name, scopes, environments, deployment_pattern, expires_at, rate_limit = null, concurrency = null } = body
  return {
    name,
    scopes,
    environments,
    deployment_pattern,
    expires_at: expires_at === undefined ? undefined : Date.parse(expires_at),
    limits: { rate_limit, concurrency },
  }
}

/** As much of a caller as goes to the writing thread. */
function reachOf({ environments, deployment_pattern }: Caller): Reach {
  return { environments, deployment_pattern }
}

function isPosition(value: unknown): value is { created_at: number; key_id: string } {
  const position = value as { created_at?: unknown; key_id?: unknown } | null
  return Number.isSafeInteger(position?.created_at) && typeof position?.key_id === 'string'
}
