import { Id, Nullable, Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import type { DeployAnswer } from './deploy.ts'
import type { PromoteAnswer, PromoteRehearsal } from './promote.ts'
import type { ProposalView } from './proposal-view.ts'
import type { Waiting } from './propose.ts'
import type { Rehearsal } from './rehearse.ts'
import { HoldSchema } from './hold-schemas.ts'
import { ReleaseDiff } from './release-schemas.ts'
import {
  Deployment,
  DeploymentName,
  DeployResponse,
  EnvironmentBody,
  InFlight,
  RuntimeConfig,
  RuntimeConfigInput,
  Warning,
} from './schemas.ts'
import type { RuntimeConfigChanges } from './configure-repository.ts'

const Issue = Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() })
const Source = Type.Object({ deployment_name: Type.String(), environment: Type.String(), release: Type.Integer() })

const note = Type.Optional(Type.String({ maxLength: 2_000, description: 'What it is for; for those who read the history.' }))
const inFlight = Type.Optional(
  Type.Enum(['pin', 'cancel'], {
    description: 'What becomes of executions in flight on other releases: they end there (pin, the default), or are cancelled by then.',
  }),
)
const automated = Type.Optional(
  Type.Boolean({
    description: 'Made by a program that nobody watches: after a rollback that is 409, until somebody lets such deploys go on.',
  }),
)
const dryRun = Type.Optional(Type.Boolean({ description: 'Says what would happen, with every problem, and changes nothing.' }))

/** What a deploy and a promotion take besides. */
export const releaseOptions = { note, in_flight: inFlight, automated, dry_run: dryRun }

const Check = Type.Object({
  check: Type.Enum(['secrets', 'variables', 'models', 'definition', 'runtime_config', 'executions']),
  ok: Type.Boolean(),
  message: Type.String(),
  missing: Type.Optional(Type.Array(Type.String())),
  executions: Type.Optional(
    Type.Object({
      completed: Type.Integer(),
      failed: Type.Integer(),
      last: Type.Array(Type.Object({ execution_id: Id, status: Type.String() })),
    }),
  ),
})

const rehearsalFields = {
  dry_run: Type.Literal(true),
  valid: Type.Boolean({ description: 'Whether it would be done.' }),
  errors: Type.Array(Issue),
  warnings: Type.Array(Warning),
  deployment_name: Type.String(),
  environment: Type.String(),
  unchanged: Type.Boolean({ description: 'The very same release serves already.' }),
  needs_approval: Type.Boolean({ description: 'A second API key would have to approve it.' }),
  release: Nullable(
    Type.Object(
      { number: Type.Integer(), digest: Type.String(), definition_digest: Type.String(), runtime_config: RuntimeConfig },
      { description: 'The release that would be made.' },
    ),
  ),
  diff: Nullable({ ...ReleaseDiff, description: 'From the live release to that one.' }),
  in_flight: { ...InFlight, description: 'Executions of the deployment.' },
}

const promotionFields = { made_from: Source, checklist: Type.Array(Check) }

const RehearsalSchema = Type.Object(rehearsalFields, { title: 'Rehearsal' })
const PromoteRehearsalSchema = Type.Object({ ...rehearsalFields, ...promotionFields }, { title: 'PromotionRehearsal' })
const cancelled = Type.Optional(Type.Integer({ description: 'Executions that were cancelled, where that was asked for.' }))
const PromoteSchema = Type.Object({ ...DeployResponse.properties, cancelled, ...promotionFields })

export const DeployAnswerSchema = Type.Unsafe<DeployAnswer | Rehearsal>(
  Type.Union([Type.Object({ ...DeployResponse.properties, cancelled }), RehearsalSchema]),
)
export const PromoteAnswerSchema = Type.Unsafe<PromoteAnswer | PromoteRehearsal>(Type.Union([PromoteSchema, PromoteRehearsalSchema]))
export const ConfigureAnswerSchema = Type.Unsafe<DeployAnswer>(DeployResponse)

export const ProposalSchema = Type.Unsafe<ProposalView>(
  Type.Object(
    {
      proposal_id: Id,
      kind: Type.Enum(['deploy', 'promotion', 'runtime_config']),
      deployment_name: Type.String(),
      environment: Type.String(),
      status: Type.Enum(['pending', 'approved', 'rejected', 'outdated', 'expired']),
      note: Nullable(Type.String()),
      digest: Type.String({ description: 'Of the release that it would be.' }),
      runtime_config: Nullable(RuntimeConfig),
      workflow: Nullable(Type.Object({ workflow_id: Id, name: Type.String(), version: Type.String() })),
      made_from: Nullable(Source),
      base: Nullable(
        Type.Object({ release: Type.Integer(), digest: Type.String() }, { description: 'What served when it was asked for.' }),
      ),
      warnings: Type.Array(Warning),
      requested_at: Time,
      requested_by: Nullable(Type.String({ description: 'The name of the API key.' })),
      requested_by_key: Type.String(),
      expires_at: Time,
      decided_at: Nullable(Time),
      decided_by: Nullable(Type.String()),
      decided_by_key: Nullable(Type.String()),
      reason: Nullable(Type.String()),
      release: Nullable(Type.Integer({ description: 'The release that was made of it.' })),
    },
    { title: 'Proposal' },
  ),
)

export const WaitingSchema = Type.Unsafe<Waiting>(
  Type.Object({ message: Type.String(), proposal: ProposalSchema }, { description: 'A second API key has to approve it.' }),
)

export const PromoteBody = Type.Object(
  {
    environment: Type.String({ description: 'Where the release shall serve. The source is looked up elsewhere, or in `?environment=`.' }),
    as: Type.Optional({ ...DeploymentName, description: 'Another name there.' }),
    release: Type.Optional(Type.Integer({ minimum: 1, description: 'Of the source. Default: the live one.' })),
    runtime_config: Type.Optional({
      ...RuntimeConfigInput,
      description: 'Default: what the deployment has there; for a new one, that of the source.',
    }),
    deployed_by: Type.Optional(Type.String({ maxLength: 200 })),
    ...releaseOptions,
  },
  { additionalProperties: false, examples: [{ environment: 'production' }] },
)

export const RollbackBody = Type.Object(
  {
    to: Type.Optional(Type.Integer({ minimum: 1, description: 'A release. Default: the last that was healthy.' })),
    reason: Type.Optional(Type.String({ maxLength: 2_000 })),
    ...EnvironmentBody.properties,
  },
  { additionalProperties: false, examples: [{ reason: 'answers in the wrong language' }] },
)

const Touched = Type.Object(
  {
    release: Type.Integer(),
    counts: Type.Object({
      queued: Type.Integer(),
      running: Type.Integer(),
      waiting: Type.Integer(),
      completed: Type.Integer(),
      failed: Type.Integer(),
      cancelled: Type.Integer(),
    }),
    executions: Type.Array(Type.Object({ execution_id: Id, status: Type.String(), created_at: Time })),
    all: Type.String({ description: 'The list of all of them.' }),
  },
  { description: 'Counts are exact up to 10,000 each; the executions are the newest.' },
)

export const RollbackResponse = Type.Object({
  message: Type.String(),
  ...Deployment.properties,
  from: Type.Array(Type.Integer(), { description: 'Releases that executions went to and do no longer.' }),
  to: Type.Integer(),
  hold: HoldSchema,
  touched: Type.Array(Touched, { description: 'Executions that those releases had, which can be run again or cancelled.' }),
})

export const ResumeResponse = Type.Object({ message: Type.String(), was_held: Type.Boolean(), ...Deployment.properties })

const { properties } = RuntimeConfigInput
const changes = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, Type.Optional(Nullable(schema as never))]))

export const ConfigureBody = Type.Object(
  {
    runtime_config: Type.Unsafe<RuntimeConfigChanges>(
      Type.Object(changes, {
        additionalProperties: false,
        description:
          'Each member that is given replaces that of the live release as a whole, null takes one back to its default, and what is left out stays.',
      }),
    ),
    note,
    changed_by: Type.Optional(Type.String({ maxLength: 200 })),
    ...EnvironmentBody.properties,
  },
  { additionalProperties: false, examples: [{ runtime_config: { timeout: 60 } }] },
)

export const DecisionBody = Type.Object({ reason: Type.Optional(Type.String({ maxLength: 2_000 })) }, { additionalProperties: false })

export const ProposalDetail = Type.Unsafe<ProposalView & { diff: unknown }>(
  Type.Object({
    ...(ProposalSchema as unknown as { properties: object }).properties,
    diff: Nullable({
      ...ReleaseDiff,
      description: 'From the live release to what is proposed; null where none is live, or it was decided.',
    }),
  }),
)
