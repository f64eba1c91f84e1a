import type { Call } from '../frame/call.ts'
import { wrongCall } from '../frame/exit.ts'
import { allWorkflows } from '../commands/find.ts'
import { idOf, type StudioObject } from './documents.ts'
import type { Planned } from './plan.ts'

/**
 * What the selector means and the files do not have: workflows with the tag, and the deployments of workflows with the tag. Variables and
 * secrets carry no tag and stay.
 */
export async function planPrune(call: Call, objects: readonly StudioObject[], selector: string | undefined): Promise<Planned[]> {
  const [, tag] = /^tag=(.+)$/.exec(selector ?? '') ?? []
  if (tag === undefined)
    throw wrongCall(
      '--prune deletes what the files do not have, so it needs to know among what.',
      '--selector tag=<tag>: workflows with that tag, and their deployments',
    )
  const wanted = new Set(objects.map(idOf))
  const tagged = (await allWorkflows(call)).filter(({ tags }) => tags?.includes(tag))
  const deployments = tagged
    .flatMap((workflow) => workflow.workflow_deployments)
    .filter(
      (one) =>
        !wanted.has(
          idOf({ kind: 'Deployment', deployment_name: one.deployment_name, environment: one.environment, workflow: { name: '' } }),
        ),
    )
  const workflows = tagged.filter(({ name, version }) => !wanted.has(idOf({ kind: 'Workflow', name, version, configuration: {} })))
  return [
    ...deployments.map(({ deployment_name, environment, status, execution_count }): Planned => ({
      id: `Deployment ${deployment_name} in ${environment}`,
      kind: 'Deployment',
      name: deployment_name,
      environment,
      action: 'delete',
      summary: `will be deleted: it is ${status} and has ${execution_count} executions`,
      act: async () => {
        await call.studio.call('deleteDeployment', { path: { deployment_name }, query: { environment } })
        return 'deleted'
      },
    })),
    ...workflows.map(({ name, version, workflow_id }): Planned => ({
      id: `Workflow ${name} ${version}`,
      kind: 'Workflow',
      name: `${name}@${version}`,
      action: 'delete',
      summary: 'will be deleted',
      act: async () => {
        await call.studio.call('deleteWorkflow', { path: { workflow_id } })
        return 'deleted'
      },
    })),
  ]
}
