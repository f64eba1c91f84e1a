import { Id, Nullable, Time, Tokens } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import { EnvironmentQuery, Route } from './schemas.ts'

const MOST_ROUTES = 10
const reason = Type.String({ minLength: 1, maxLength: 1_000, description: 'Why; kept with the change.' })

const bounds = {
  max_error_rate: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Of the executions that ended, the part that may have failed: 0.05 are five in a hundred.',
    }),
  ),
  max_p95_ms: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 86_400_000,
      description:
        'Milliseconds that at most five in a hundred executions may run longer than. What they wait for a person or a time does not count.',
    }),
  ),
  max_cost: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1_000_000, description: 'US dollars that an execution may cost on average.' }),
  ),
  min_samples: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    description:
      'Executions by which a release is judged: a bound is passed when as many of them pass it as make it certain for that number.',
  }),
}

const guardOptions = {
  additionalProperties: false,
  description:
    'Watches the releases other than `back_to`. When one passes a bound, its part of the executions goes to `back_to` by itself, never the other way. At least one bound. Without a guard nothing is watched.',
  examples: [{ max_error_rate: 0.05, min_samples: 50 }],
}

export const TrafficBody = Type.Object(
  {
    routes: Type.Array(Route, { minItems: 1, maxItems: MOST_ROUTES, description: 'All of them. The percentages add up to 100.' }),
    guard: Type.Optional(
      Type.Object(
        {
          ...bounds,
          back_to: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: 'Default: the oldest release that has a part of the executions; where only one has, the oldest of the routes.',
            }),
          ),
        },
        guardOptions,
      ),
    ),
    reason: Type.Optional(reason),
    environment: Type.Optional(Type.String()),
  },
  {
    additionalProperties: false,
    examples: [{ routes: [{ release: 1, percent: 100, tag: 'stable' }], reason: 'A name for what serves' }],
  },
)

export const Statistics = Type.Object(
  {
    since: Time,
    complete: Type.Boolean({
      description:
        'Whether `since` is what was asked for. Of more than 5,000 executions these are the newest, and `since` is when the first of them began.',
    }),
    executions: Type.Integer({ description: 'Those that were accepted since then and have ended.' }),
    completed: Type.Integer(),
    failed: Type.Integer(),
    cancelled: Type.Integer(),
    error_rate: Nullable(Type.Number({ description: 'Failed ones, of those that completed or failed.' })),
    duration_ms: Nullable(
      Type.Object(
        { p50: Type.Number(), p95: Type.Number() },
        { description: 'Of those that completed or failed, without what they waited for a person or a time.' },
      ),
    ),
    tokens: Tokens,
    cost: Nullable(Type.Number({ description: 'US dollars; null where a price is not known.' })),
  },
  { title: 'ReleaseStatistics' },
)

export const RouteChange = Type.Object(
  {
    number: Type.Integer({ description: '1, 2, 3… for each deployment.' }),
    at: Time,
    kind: Type.Enum(['deploy', 'traffic', 'rollback', 'promote', 'configure', 'guard'], {
      description: 'What changed the routes. `configure`: another runtime configuration. `guard`: by itself, because a bound was passed.',
    }),
    by: Nullable(Type.String()),
    reason: Nullable(Type.String()),
    before: Nullable(Type.Array(Route)),
    after: Type.Array(Route),
  },
  { title: 'RouteChange' },
)

const routeOf = {
  ...Route.properties,
  digest: Type.String(),
  in_flight: Type.Integer(),
}

const trafficFields = {
  deployment_id: Id,
  deployment_name: Type.String(),
  environment: Type.String(),
  status: Type.Enum(['active', 'inactive']),
  live: Type.Integer({
    description: 'The release with the largest part. Its concurrency, rate limit and daily budget are those of the deployment.',
  }),
  guard: Nullable(
    Type.Object({
      ...bounds,
      back_to: Type.Integer(),
      watched: Type.Array(
        Type.Object({
          release: Type.Integer(),
          samples: Type.Integer({ description: 'Executions that it is judged by: the newest ones, at most twice `min_samples`.' }),
          errors: Type.Integer(),
          slow: Type.Integer({ description: 'Beyond `max_p95_ms`.' }),
          cost: Type.Number(),
        }),
      ),
    }),
  ),
  change: RouteChange,
}

export const Traffic = Type.Object(
  { ...trafficFields, routes: Type.Array(Type.Object({ ...routeOf, statistics: Statistics })) },
  { title: 'Traffic' },
)

export const SetTrafficResponse = Type.Object({
  ...trafficFields,
  routes: Type.Array(Type.Object(routeOf)),
  unchanged: Type.Boolean({ description: 'True when it was like this already, so that nothing was changed.' }),
})

export const TrafficQuery = Type.Object(
  {
    ...EnvironmentQuery.properties,
    since: Type.Optional(
      Type.String({ format: 'date-time', description: 'From when on executions are counted. Default: the last change of the routes.' }),
    ),
  },
  { additionalProperties: false },
)
