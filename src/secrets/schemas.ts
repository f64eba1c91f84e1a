import { Id, Nullable, Time } from '../http/fields.ts'
import { pageQuery } from '../http/cursor.ts'
import { Type } from '../http/type.ts'
import { namePattern, nameRule } from './references.ts'

const Name = Type.String({ pattern: namePattern, description: nameRule, 'x-message': nameRule, examples: ['CRM_TOKEN'] })

/** For variables as well. */
export const PlaceParams = Type.Object({ environment: Type.String(), name: Name })

export const SettingsQuery = Type.Object(
  {
    environment: Type.Optional(Type.String()),
    q: Type.Optional(Type.String({ maxLength: 64, description: 'A part of the name, in capitals or not.' })),
    ...pageQuery,
  },
  { additionalProperties: false },
)

export const DeleteQuery = Type.Object(
  { force: Type.Optional(Type.Boolean({ description: 'Also where active deployments use it.' })) },
  { additionalProperties: false },
)

export const PutSecretBody = Type.Object(
  {
    value: Type.String({
      description: 'At least 8 characters, besides spaces around them, and at most 32,768 bytes. No answer ever shows it.',
      'x-message': "'value' is the secret itself, as a text.",
    }),
  },
  {
    additionalProperties: false,
    examples: [{ value: 'the secret itself' }],
    // Instead of what was sent, which may be the secret alone.
    'x-message': "The body must be an object with 'value', the secret itself, as a text.",
  },
)

export const UsedBy = Type.Object(
  {
    deployments: Type.Array(
      Type.Object({
        deployment_name: Type.String(),
        environment: Type.String(),
        status: Type.Enum(['active', 'inactive']),
        release: Type.Integer(),
      }),
      { description: 'Those of the environment whose release refers to it, or calls a model with it.' },
    ),
    workflows: Type.Array(Type.Object({ workflow_id: Id, name: Type.String(), version: Type.String() }), {
      description: 'Those that refer to it as they are now, whatever they are deployed to.',
    }),
    agents: Type.Array(Type.Object({ agent_id: Id, name: Type.String() })),
  },
  { description: 'What refers to it.' },
)

export const Secret = Type.Object(
  {
    environment: Type.String(),
    name: Type.String(),
    version: Type.Integer({ description: 'Counts the values that it has had.' }),
    key_id: Type.String({ description: 'The key of the key file that it is encrypted with.' }),
    readable: Type.Boolean({ description: 'Whether that key is in the key file. Without it, whatever needs the secret fails.' }),
    created_at: Time,
    created_by: Nullable(Type.String({ description: 'The name of the API key.' })),
    updated_at: Time,
    updated_by: Nullable(Type.String()),
    used_by: UsedBy,
  },
  { title: 'Secret' },
)

export const DeletedSetting = Type.Object({ message: Type.String(), environment: Type.String(), name: Type.String() })
