import { Nullable, Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import { UsedBy } from '../secrets/schemas.ts'

export const PutVariableBody = Type.Object(
  { value: Type.String({ maxLength: 32_768 }) },
  { additionalProperties: false, examples: [{ value: 'https://crm.example.com' }] },
)

export const Variable = Type.Object(
  {
    environment: Type.String(),
    name: Type.String(),
    version: Type.Integer({ description: 'Counts the values that it has had.' }),
    value: Type.String(),
    created_at: Time,
    created_by: Nullable(Type.String({ description: 'The name of the API key.' })),
    updated_at: Time,
    updated_by: Nullable(Type.String()),
    used_by: UsedBy,
  },
  { title: 'Variable' },
)
