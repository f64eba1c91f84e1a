import { Nullable, Time } from '../http/fields.ts'
import { pageQuery } from '../http/cursor.ts'
import { Type } from '../http/type.ts'

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 500, description }))

export const ListQuery = Type.Object(
  {
    actor: text('Who: the id of an API key or its name; `server` for what the server did by itself, `local command` for the command line.'),
    action: text('Such as `deployment.stop`.'),
    object_type: text('Such as `deployment`.'),
    object: text('The id of an object, or its name; an execution is found by the name of its deployment as well.'),
    environment: text('Only what belongs to this environment.'),
    from: Type.Optional(Type.String({ format: 'date-time', description: 'Changed at this time or later.' })),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Changed before this time.' })),
    ...pageQuery,
  },
  { additionalProperties: false },
)

export const ExportQuery = Type.Object(
  {
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only entries after this one, by its `seq`: what an export before did not have.',
      }),
    ),
  },
  { additionalProperties: false },
)

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' })

const State = (description: string) => Nullable(Type.Unsafe<Record<string, unknown>>({ type: 'object', description }))

export const AuditEntry = Type.Object(
  {
    seq: Type.Integer({ description: '1, 2, 3… in the order of the changes.' }),
    at: Time,
    actor: Type.Object({
      key_id: Type.String({ description: 'The API key; empty where there was none.' }),
      name: Nullable(Type.String({ description: 'Of the key; `server` or `local command` without one.' })),
      address: Nullable(Type.String({ description: 'The network address that the request came from.' })),
    }),
    action: Type.String(),
    object: Type.Object({
      type: Type.String(),
      id: Type.String(),
      name: Nullable(Type.String()),
      environment: Nullable(Type.String()),
    }),
    before: State(
      'What has changed of the object, as it was: fields by name, places within a field by JSON pointer. Null where it was not there.',
    ),
    after: State('The same, as it is since then. Null where it is gone.'),
    previous_hash: Hash,
    hash: Hash,
  },
  { title: 'AuditEntry' },
)
