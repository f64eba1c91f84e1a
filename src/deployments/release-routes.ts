import { environmentsWithin, type Caller } from '../access/caller.ts'
import { knownEnvironment } from '../environments.ts'
import { InvalidInput, type StudioError } from '../errors.ts'
import { statisticsOf } from '../executions/statistics-repository.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import { Type } from '../http/type.ts'
import { ownTurn } from '../own-turn.ts'
import type { Studio } from '../studio.ts'
import { compareReleases, hideSecrets, sideOf, type Side } from './compare-releases.ts'
import { draftOf, type Place } from './draft-side.ts'
import { getNamed, getRelease } from './find-release.ts'
import { named } from './named.ts'
import { definitionOf, listReleases, referencesOf } from './release-list-repository.ts'
import { toStatisticsView } from './statistics-view.ts'
import { DiffQuery, Release, ReleaseDetail, ReleaseDiff, ReleaseParams } from './release-schemas.ts'
import { toReleaseDetail, toReleaseView } from './release-view.ts'
import { DeploymentName, EnvironmentQuery } from './schemas.ts'

const tags = ['releases']
const NameParams = Type.Object({ deployment_name: DeploymentName })

/** What releases there are, what each is, and in what they differ. */
export function registerReleaseRoutes(app: App, studio: Studio): void {
  const { store } = studio
  const findOther = async (caller: Caller, { name, environment }: Place, to: string | undefined): Promise<Side> => {
    const other = await getNamed(store.read, named(studio, { caller, name, query: { environment } }))
    return sideOf(store.read, await getRelease(store.read, other, to === undefined ? undefined : Number(to)))
  }

  app.get(
    '/api/workflows/deployments/:deployment_name/releases',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listReleases',
        summary: 'List the releases of a deployment',
        description: 'Newest first: who made each, when, of what and why, and what of the executions goes to it now.',
        tags,
        params: NameParams,
        querystring: Type.Object({ ...EnvironmentQuery.properties, ...pageQuery }, { additionalProperties: false }),
        response: { 200: Type.Array(Release) },
      },
    },
    async (request, reply) => {
      const { caller, params, query } = request
      const { limit = DEFAULT_PAGE } = query
      const { deployment_id } = await getNamed(store.read, named(studio, { caller, name: params.deployment_name, query }))
      const before = decodeCursor(query.cursor, isNumber)
      const rows = await listReleases(store.read, deployment_id, { before, limit: limit + 1 })
      return sendPage(request, reply, rows, limit, ({ number }) => number).map((row) => toReleaseView(row, caller))
    },
  )

  app.get(
    '/api/workflows/deployments/:deployment_name/releases/:number',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'getRelease',
        summary: 'Look at a release',
        description: 'With the whole definition as it was resolved when the release was made, and what it refers to by name.',
        tags,
        params: ReleaseParams,
        querystring: EnvironmentQuery,
        response: { 200: ReleaseDetail },
      },
    },
    async ({ caller, params, query }) => {
      const deployment = await getNamed(store.read, named(studio, { caller, name: params.deployment_name, query }))
      const record = await getRelease(store.read, deployment, params.number)
      const text = await definitionOf(store.read, record.definition_digest)
      // It may be megabytes.
      await ownTurn()
      const definition = await hideSecrets(studio.secrets, [record.environment], JSON.parse(text) as unknown)
      const references = await referencesOf(store.read, record.definition_digest)
      const statistics = await statisticsOf(store.read, record.deployment_id, record.number, record.created_at)
      return toReleaseDetail(toReleaseView(record, caller), record, references, toStatisticsView(statistics), definition)
    },
  )

  app.get(
    '/api/workflows/deployments/:deployment_name/diff',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'compareReleases',
        summary: 'Compare two releases',
        description:
          'Which nodes and connections were added, removed and changed, each setting with both values, and long texts as unified diffs. The other side may be of another environment or name, or the draft.',
        tags,
        params: NameParams,
        querystring: DiffQuery,
        response: { 200: ReleaseDiff },
      },
    },
    async ({ caller, params, query }) => {
      const { from, to, to_environment, to_name } = query
      const deployment = await getNamed(store.read, named(studio, { caller, name: params.deployment_name, query }))
      const record = await getRelease(store.read, deployment, from)
      const isElsewhere = to_environment !== undefined || to_name !== undefined
      if (to === undefined && !isElsewhere) throw nothingToCompareWith()
      if (to_environment !== undefined) knownEnvironment(environmentsWithin(caller, studio.environments), to_environment, '?to_environment')
      const place = { name: to_name ?? deployment.name, environment: to_environment ?? deployment.environment }
      const other = to === 'draft' ? await draftOf(studio, caller, record, place) : await findOther(caller, place, to)
      return compareReleases(studio.secrets, await sideOf(store.read, record), other)
    },
  )
}

const isNumber = (position: unknown): position is number => Number.isSafeInteger(position)

function nothingToCompareWith(): StudioError {
  const message = "Say what to compare with: 'to' is the number of a release, or draft; or name a 'to_environment' or a 'to_name'."
  return new InvalidInput({ errors: [{ pointer: '?to', code: 'required', message }] })
}
