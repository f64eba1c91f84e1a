import { Nullable, Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import { ConcurrencyLimit, RateLimitSchema } from '../limits/schemas.ts'
import { SCOPES } from './caller.ts'
import { namePattern, namePatternRule } from './name-pattern.ts'

const scope = Type.Enum([...SCOPES], { description: '`admin` includes all others.' })
const name = Type.String({ minLength: 1, maxLength: 200, pattern: '\\S', description: 'For people: what the key is for.' })
const environment = Type.String({ maxLength: 200 })

const limits = {
  rate_limit: Nullable({ ...RateLimitSchema, description: 'Requests that it may send, but for questions about health. Null: any number.' }),
  concurrency: Nullable({ ...ConcurrencyLimit, description: 'Executions of it that may be queued or running. Null: any number.' }),
}
const optionalLimits = { rate_limit: Type.Optional(limits.rate_limit), concurrency: Type.Optional(limits.concurrency) }

export const CreateKeyBody = Type.Object(
  {
    name,
    scopes: Type.Array(scope, { minItems: 1, maxItems: SCOPES.length }),
    environments: Type.Optional(
      Type.Array(environment, {
        minItems: 1,
        maxItems: 100,
        description: 'What belongs to other environments does not exist for this key. Default: all that the key has which makes it.',
      }),
    ),
    deployment_pattern: Type.Optional(
      Type.String({
        pattern: namePattern,
        description: `Deployments of other names do not exist for this key. ${namePatternRule}`,
        'x-message': namePatternRule,
      }),
    ),
    ...optionalLimits,
    expires_at: Type.Optional(Type.String({ format: 'date-time', description: 'From then on the key is not accepted. Default: never.' })),
  },
  { additionalProperties: false, examples: [{ name: 'deploys by CI', scopes: ['workflow:read', 'workflow:write', 'deploy'] }] },
)

export const ChangeKeyBody = Type.Object({ name: Type.Optional(name), ...optionalLimits }, { additionalProperties: false })

const keyFields = {
  key_id: Type.String({ description: 'The public part, which the key begins with.' }),
  name: Type.String(),
  status: Type.Enum(['active', 'expired', 'revoked']),
  scopes: Type.Array(scope),
  environments: Nullable(Type.Array(environment)),
  deployment_pattern: Nullable(Type.String()),
  ...limits,
  created_at: Time,
  created_by: Nullable(Type.String({ description: 'The key that it was made with.' })),
  expires_at: Nullable(Time),
  last_used_at: Nullable({ ...Time, description: 'To the minute.' }),
  revoked_at: Nullable(Time),
}

export const Key = Type.Object(keyFields, { title: 'Key' })

export const CreateKeyResponse = Type.Object({
  ...keyFields,
  key: Type.String({ description: 'The key itself. Shown this once: nobody can look it up later.' }),
})

export const RevokeKeyResponse = Type.Object({ message: Type.String(), ...keyFields })
