import { Id, Nullable, Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import { EnvironmentBody, EnvironmentQuery, InFlight } from './schemas.ts'

const modes = ['drain', 'cancel', 'freeze'] as const
/** A year. */
const LONGEST_DEADLINE_S = 31_536_000
const LONGEST_WAIT_S = 60

export const StopBody = Type.Object(
  {
    ...EnvironmentBody.properties,
    mode: Type.Optional(
      Type.Enum([...modes], {
        description: 'What becomes of executions in flight: they end (drain, the default), are cancelled, or rest until reactivation.',
      }),
    ),
    deadline: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LONGEST_DEADLINE_S,
        description:
          'Seconds. What a drain has left by then is cancelled; of a freeze, what still runs by then, while what has parked stays. A later stop takes its place; a reactivation or a deploy ends it.',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ mode: 'drain', deadline: 600 }] },
)

const deadline = Nullable(Time)

export const StopResponse = Type.Object({
  message: Type.String(),
  deployment_id: Id,
  environment: Type.String(),
  status: Type.Literal('inactive'),
  stopped_at: Time,
  mode: Type.Enum([...modes]),
  deadline,
  cancelled: Type.Integer({ description: 'Executions that the stop has cancelled.' }),
  in_flight: InFlight,
})

export const DrainQuery = Type.Object(
  {
    ...EnvironmentQuery.properties,
    wait: Type.Optional(
      Type.Integer({ minimum: 0, maximum: LONGEST_WAIT_S, description: 'Seconds: the answer comes when it is done, or after so long.' }),
    ),
  },
  { additionalProperties: false },
)

export const Drain = Type.Object(
  {
    deployment_id: Id,
    deployment_name: Type.String(),
    environment: Type.String(),
    status: Type.Enum(['active', 'inactive']),
    mode: Nullable(Type.Enum([...modes], { description: 'Null while the deployment serves.' })),
    since: Nullable(Time),
    deadline,
    deadline_passed_at: deadline,
    in_flight: Type.Object({
      ...InFlight.properties,
      frozen: Type.Integer({ description: 'Of those that wait, the ones that a freeze has parked.' }),
    }),
    cancelled: Type.Integer({ description: 'Executions that the stop, or its deadline, has cancelled.' }),
    done: Type.Boolean({
      description: 'Nothing is in flight any more and no call is under way; of a freeze, nothing that has not parked.',
    }),
    done_at: Nullable(Time),
  },
  { title: 'Drain' },
)
