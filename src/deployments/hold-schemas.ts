import { Nullable, Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'

export const HoldSchema = Nullable(
  Type.Object(
    {
      since: Time,
      by: Nullable(Type.String()),
      reason: Nullable(Type.String()),
      from_releases: Type.Array(Type.Integer()),
      to_release: Type.Integer(),
    },
    { description: 'Why automated deploys are refused; null: they are not.' },
  ),
)
