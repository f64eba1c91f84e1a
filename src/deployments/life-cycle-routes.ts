import type { App } from '../http/app.ts'
import { preconditionOf } from '../http/etag.ts'
import { Type } from '../http/type.ts'
import { recordedResult } from '../store/claim.ts'
import type { Studio } from '../studio.ts'
import { configured, configureDeployment } from './configure-repository.ts'
import { switched } from './deploy.ts'
import {
  ConfigureAnswerSchema,
  ConfigureBody,
  PromoteAnswerSchema,
  PromoteBody,
  ResumeResponse,
  RollbackBody,
  RollbackResponse,
  WaitingSchema,
} from './life-cycle-schemas.ts'
import { named } from './named.ts'
import { promote, rehearsePromotion } from './promote.ts'
import { proposeRelease } from './propose.ts'
import { findServing, resumeDeploys, rollBack } from './rollback-repository.ts'
import { trafficTag } from './routing.ts'
import { DeploymentName, EnvironmentBody, EnvironmentQuery } from './schemas.ts'
import { touchedBy } from './touched.ts'
import { toDeploymentView } from './view.ts'

const tags = ['deployments']
const NameParams = Type.Object({ deployment_name: DeploymentName })
const path = '/api/workflows/deployments/:deployment_name'

/** The ways in which another release comes to serve, beside a deploy. */
export function registerLifeCycleRoutes(app: App, studio: Studio): void {
  const { store, dispatcher } = studio

  app.post(
    `${path}/rollback`,
    {
      config: { scope: 'deploy', load: 'always' },
      schema: {
        operationId: 'rollBackDeployment',
        summary: 'Roll back to a release that is there',
        description:
          'All executions go to it from the next one on; what is in flight stays where it is. Without `to` it is the last that was healthy: that was live before, was not itself rolled back from, passed no bound of its guard, and failed in no more than half of its executions. Makes no release. From then on deploys with `automated: true` are 409, until somebody lets them go on. Never waits for an approval.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: RollbackBody,
        response: { 200: RollbackResponse },
      },
    },
    async ({ caller, params, query, body, origin }) => {
      const { to, reason, ...where } = body
      const asked = named(studio, { caller, name: params.deployment_name, query, body: where })
      const { record, from, to: release, hold } = await store.write(rollBack, { ...asked, to, reason, by: undefined }, origin)
      dispatcher.heedDeployment(record.deployment_id)
      const message = `Deployment '${record.name}' rolled back to release ${release} successfully`
      return { message, ...toDeploymentView(record), from, to: release, hold, touched: await touchedBy(store.read, record, from) }
    },
  )

  app.post(
    `${path}/resume-deploys`,
    {
      config: { scope: 'deploy' },
      schema: {
        operationId: 'resumeDeploys',
        summary: 'Let automated deploys go on after a rollback',
        description: 'A deploy or a promotion without `automated` does so as well.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: EnvironmentBody,
        response: { 200: ResumeResponse },
      },
    },
    async ({ caller, params, query, body, origin }) => {
      const asked = named(studio, { caller, name: params.deployment_name, query, body })
      const { record, was_held } = await store.write(resumeDeploys, asked, origin)
      const message = was_held ? `Automated deploys of '${record.name}' go on` : `Automated deploys of '${record.name}' were not held`
      return { message, was_held, ...toDeploymentView(record) }
    },
  )

  app.post(
    `${path}/promote`,
    {
      config: { scope: 'deploy' },
      schema: {
        operationId: 'promoteDeployment',
        summary: 'Promote a release to another environment',
        description:
          'The same definition, with the secrets, variables and runtime configuration of that environment. The answer, and a refusal, has a checklist of all that the release needs there.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: PromoteBody,
        response: { 200: PromoteAnswerSchema, 202: WaitingSchema },
      },
    },
    async ({ caller, params, query, body, origin }, reply) => {
      const { environment, as, release, runtime_config, deployed_by, note, in_flight, automated, dry_run } = body
      const options = { runtime_config, promoted_by: deployed_by, note, in_flight, automated }
      const from_environment = query.environment
      const request = { caller, name: params.deployment_name, from_environment, release, environment, as, ...options }
      if (dry_run) return rehearsePromotion(studio, request)
      const answer = await promote(studio, request, origin)
      if ('proposal' in answer) reply.code(202)
      return answer
    },
  )

  app.patch(
    path,
    {
      config: { scope: 'deploy' },
      schema: {
        operationId: 'configureDeployment',
        summary: 'Change the runtime configuration of a deployment',
        description:
          'Makes a release with the definition of the live one, to which all executions go from then on. A stopped deployment stays stopped. `If-Match` takes the `ETag` of the deployment.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: ConfigureBody,
        response: { 200: ConfigureAnswerSchema, 202: WaitingSchema },
      },
    },
    async (request, reply) => {
      const { caller, params, query, body, origin } = request
      const { runtime_config: changes, note, changed_by = null, ...where } = body
      const asked = named(studio, { caller, name: params.deployment_name, query, body: where })
      const found = await findServing(store.read, asked)
      const { environment } = found
      const change = { ...asked, environments: [environment], precondition: preconditionOf(request), changes, note, changed_by }
      if (studio.protections.get(environment)?.approval) {
        const propose = async () => {
          const { release, tag } = await configured(store.read, change)
          return { kind: 'runtime_config' as const, release, warnings: [], precondition: { match: [tag] } }
        }
        const answer = await proposeRelease(studio, { caller, environment }, propose, origin)
        if ('proposal' in answer) reply.code(202)
        return answer
      }
      const made = recordedResult(configureDeployment, origin.claim) ?? (await store.write(configureDeployment, change, origin))
      const { deployment_id, route_change } = made.record
      reply.header('etag', trafficTag({ deployment_id, route_change }))
      return switched(studio, made, undefined)
    },
  )
}
