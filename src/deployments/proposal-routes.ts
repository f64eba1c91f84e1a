import { environmentsWithin, reaches, type Caller } from '../access/caller.ts'
import { knownEnvironment } from '../environments.ts'
import { ProposalNotFound } from '../errors.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import { Type } from '../http/type.ts'
import { isUuid } from '../http/uuid.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import type { ProposalRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { compareReleases, sideOf, type ReleaseDifference } from './compare-releases.ts'
import { switched } from './deploy.ts'
import { ConfigureAnswerSchema, DecisionBody, ProposalDetail, ProposalSchema } from './life-cycle-schemas.ts'
import { approveProposal, findProposal, listProposals, rejectProposal, type ProposedRelease } from './proposal-repository.ts'
import { toProposalView } from './proposal-view.ts'
import { findRelease, referencesOf } from './release-list-repository.ts'
import { findDeployments } from './repository.ts'

const tags = ['proposals']
const IdParams = Type.Object({ proposal_id: Type.String({ format: 'uuid' }) })

/** What waits for a second key in environments that ask for that. */
export function registerProposalRoutes(app: App, studio: Studio): void {
  const { store, clock } = studio

  /** @throws ProposalNotFound for one that the caller cannot see, as for one that there is not */
  const find = async (caller: Caller, proposal_id: string): Promise<ProposalRow> => {
    const found = isUuid(proposal_id) ? await findProposal(store.read, proposal_id.toLowerCase()) : undefined
    if (!found || !reaches(caller, found.environment, found.name)) throw new ProposalNotFound({ proposal_id })
    return found
  }

  app.get(
    '/api/proposals',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listProposals',
        summary: 'List what waits, or waited, for a second key',
        description: 'Newest first.',
        tags,
        querystring: Type.Object(
          {
            environment: Type.Optional(Type.String()),
            deployment_name: Type.Optional(Type.String({ maxLength: 200 })),
            status: Type.Optional(Type.Enum(['pending', 'approved', 'rejected', 'expired'])),
            ...pageQuery,
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Array(ProposalSchema) },
      },
    },
    async (request, reply) => {
      const { caller } = request
      const { cursor, limit = DEFAULT_PAGE, environment, ...filter } = request.query
      if (environment !== undefined) knownEnvironment(environmentsWithin(caller, studio.environments), environment, '?environment')
      const before = decodeCursor(cursor, isProposalId)
      const now = clock.now()
      const rows = await listProposals(store.read, { ...filter, environment, reach: caller, now, before, limit: limit + 1 })
      return sendPage(request, reply, rows, limit, (row) => row.proposal_id).map((row) => toProposalView(row, now, caller))
    },
  )

  app.get(
    '/api/proposals/:proposal_id',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'getProposal',
        summary: 'Look at a proposal, and in what it differs from what serves',
        tags,
        params: IdParams,
        response: { 200: ProposalDetail },
      },
    },
    async ({ caller, params }) => {
      const row = await find(caller, params.proposal_id)
      return { ...toProposalView(row, clock.now(), caller), diff: await compareWithLive(studio, row) }
    },
  )

  app.post(
    '/api/proposals/:proposal_id/approve',
    {
      config: { scope: 'approve' },
      schema: {
        operationId: 'approveProposal',
        summary: 'Approve a proposal with a second key',
        description:
          'Makes the release that was proposed. It takes another key than the one that asked, and is 409 when the proposal has expired, was decided, or something else serves than it was compared with.',
        tags,
        params: IdParams,
        body: DecisionBody,
        response: { 200: ConfigureAnswerSchema },
      },
    },
    async ({ caller, params, body, origin }) => {
      const { proposal_id } = await find(caller, params.proposal_id)
      return switched(studio, await store.write(approveProposal, { proposal_id, reason: body.reason, now: clock.now() }, origin), undefined)
    },
  )

  app.post(
    '/api/proposals/:proposal_id/reject',
    {
      config: { scope: 'approve' },
      schema: {
        operationId: 'rejectProposal',
        summary: 'Reject a proposal, or take it back',
        tags,
        params: IdParams,
        body: DecisionBody,
        response: { 200: ProposalSchema },
      },
    },
    async ({ caller, params, body, origin }) => {
      const { proposal_id } = await find(caller, params.proposal_id)
      const now = clock.now()
      await store.write(rejectProposal, { proposal_id, reason: body.reason, now }, origin)
      return toProposalView(await find(caller, proposal_id), now, caller)
    },
  )
}

const isProposalId = (position: unknown): position is string => typeof position === 'string' && isUuid(position)

/** Null where there is nothing to compare. */
async function compareWithLive({ store, secrets }: Studio, row: ProposalRow): Promise<ReleaseDifference | null> {
  const [existing] = await findDeployments(store.read, row.name, [row.environment])
  const live = existing && (await findRelease(store.read, existing.deployment_id, existing.live_release))
  if (!live || row.release === null) return null
  const { release } = JSON.parse(row.release) as ProposedRelease
  const { definition, definition_digest, workflow, runtime_config, references } = release
  return compareReleases(secrets, await sideOf(store.read, live), {
    shown: {
      deployment_name: row.name,
      environment: row.environment,
      release: null,
      workflow_id: workflow.workflow_id,
      digest: row.digest,
      definition_digest,
    },
    definition,
    runtime_config: runtime_config as RuntimeConfig,
    references: references ?? (await referencesOf(store.read, definition_digest)),
  })
}
