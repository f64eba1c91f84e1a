import { StudioProblem, type DeploymentDetail, type Workflow } from '@agent-studio/client'
import { allWorkflows } from '../commands/find.ts'
import { summarize, type Comparison, type Rehearsal } from '../commands/comparison.ts'
import type { Call } from '../frame/call.ts'
import { canonical } from './applied.ts'
import { idOf, type DeploymentObject } from './documents.ts'
import type { Planned, Planning } from './plan.ts'
import { orNone } from './plan-values.ts'
import { changedMeanwhile } from './plan-workflow.ts'

/** In the note of each release that apply makes, by which it knows its own. */
const MARK = 'agent-studio apply'

/** What serves: the draft of its workflow becomes the next release. */
export async function planDeployment(planning: Planning, object: DeploymentObject): Promise<Planned> {
  const { call, force } = planning
  const { deployment_name, environment } = object
  const planned = { id: idOf(object), kind: object.kind, name: deployment_name, environment }
  const now = await orNone(call.studio.call('getDeployment', { path: { deployment_name }, query: { environment } }))
  const source = await findSource(planning, object)
  if (typeof source === 'string') return { ...planned, action: 'blocked', summary: source }
  if (source.foreign !== undefined) return { ...planned, action: 'drift', summary: source.foreign }
  const { workflow, willChange, label } = source
  const act = async (): Promise<string> => {
    const current = await orNone(call.studio.call('getDeployment', { path: { deployment_name }, query: { environment } }))
    if (stateOf(current) !== stateOf(now)) throw changedMeanwhile(planned.id)
    const deployed = await deploy(call, object, await idNow(planning, object, workflow), false)
    const { release, unchanged, proposal } = deployed as {
      release: { number: number }
      unchanged: boolean
      proposal?: { proposal_id: string }
    }
    if (proposal) return `proposed; a second key has to approve it: agent-studio proposal approve ${proposal.proposal_id}`
    return unchanged ? 'unchanged' : `release ${release.number} serves now`
  }
  // Of a draft that is going to change, its definition as it is now says nothing.
  const { problem, ...dry } = workflow ? await dryRun(call, object, workflow, willChange) : {}
  if (problem !== undefined) return { ...planned, action: 'blocked', summary: problem }
  if (now && dry.unchanged && now.status === 'active')
    return { ...planned, action: 'unchanged', summary: `release ${now.release.number} is what the draft of ${label} gives` }
  if (!now) return { ...planned, action: 'create', summary: `the draft of ${label} will serve as release 1`, act }
  const difference = dry.changes ? `: ${summarize(dry.changes)}` : willChange ? ', as it is changed above' : ''
  const { changes } = dry
  const foreign = force ? undefined : await whyForeign(call, now)
  if (foreign !== undefined) return { ...planned, action: 'drift', summary: `${foreign}; --force deploys over it${difference}`, changes }
  return {
    ...planned,
    action: 'update',
    summary: `the draft of ${label} will replace release ${now.release.number} and serve at once${difference}`,
    changes,
    act,
  }
}

/** The workflow as it is now, and whether this very plan changes it first. */
async function findSource({ call, planned }: Planning, { workflow: { name, version } }: DeploymentObject) {
  const found = (await allWorkflows(call)).filter((one) => one.name === name && (version === undefined || one.version === version))
  const own = planned.filter(
    (one) => one.kind === 'Workflow' && (version === undefined ? one.name.startsWith(`${name}@`) : one.name === `${name}@${version}`),
  )
  const labels = new Set([...found.map((one) => `${one.name}@${one.version}`), ...own.map((one) => one.name)])
  if (labels.size === 0)
    return `there is no workflow ${name}${version === undefined ? '' : ` ${version}`}, neither on the server nor in the files`
  if (labels.size > 1) return `the workflow ${name} has several versions (${[...labels].join(', ')}): say which, as ${[...labels][0]}`
  const [change] = own
  const foreign = change?.action === 'drift' ? `its workflow ${change.name} was changed by somebody else, so it is not deployed` : undefined
  return {
    foreign,
    workflow: found[0],
    willChange: change !== undefined && change.action !== 'unchanged',
    label: [...labels][0]!.replace('@', ' '),
  }
}

/** It may have been made a moment ago. */
async function idNow(planning: Planning, { workflow: { name, version } }: DeploymentObject, known: Workflow | undefined): Promise<string> {
  if (known) return known.workflow_id
  const found = (await allWorkflows(planning.call)).find((one) => one.name === name && (version === undefined || one.version === version))
  return found!.workflow_id
}

function deploy(
  call: Call,
  { deployment_name, environment, runtime_config, note }: DeploymentObject,
  workflow_id: string,
  dry: boolean,
): Promise<unknown> {
  const body = {
    deployment_name,
    environment,
    ...(runtime_config !== undefined && { runtime_config }),
    note: note === undefined ? MARK : `${note} (${MARK})`,
    // A rollback holds these until somebody lets them go on.
    automated: true,
    ...(dry && { dry_run: true }),
  }
  return call.studio.call('deployWorkflow', { path: { workflow_id }, body })
}

/** What has nothing to do with the definition: a hold after a rollback, the settings. */
const OF_DEPLOY = /^\/(automated|runtime_config)(\/|$)/

async function dryRun(
  call: Call,
  object: DeploymentObject,
  workflow: Workflow,
  willChange: boolean,
): Promise<{ problem?: string; unchanged?: boolean; changes?: Comparison }> {
  try {
    const { errors, unchanged, diff } = (await deploy(call, object, workflow.workflow_id, true)) as Rehearsal
    const first = errors.find(({ pointer }) => !willChange || OF_DEPLOY.test(pointer))
    if (first) return { problem: `would be refused: ${first.pointer} ${first.message}` }
    if (willChange) return {}
    return { unchanged, ...(diff && { changes: diff }) }
  } catch (error) {
    if (!(error instanceof StudioProblem) || ![403, 409, 422].includes(error.status) || error.code === 'scope_missing') throw error
    if (willChange && error.status === 422) return {}
    const [first] = error.errors
    return { problem: first ? `would be refused: ${first.pointer} ${first.message}` : error.message }
  }
}

/** Why what serves is not what apply left there; undefined where it is. */
async function whyForeign(call: Call, now: DeploymentDetail): Promise<string | undefined> {
  const { traffic = [] } = now as { traffic?: { release: number; percent: number }[] }
  const serving = traffic.filter(({ percent }) => percent > 0)
  if (serving.length > 1)
    return `its traffic is divided (${serving.map(({ release, percent }) => `${percent} % to release ${release}`).join(', ')}), which a deploy would end`
  if (now.status === 'inactive') return `it was stopped at ${now.stopped_at}, and a deploy would let it serve again`
  const place = { path: { deployment_name: now.deployment_name, number: now.release.number }, query: { environment: now.environment } }
  const release = await call.studio.call('getRelease', place)
  if (release.note?.includes(MARK)) return undefined
  return `its release ${now.release.number} was not made by apply${release.created_by ? ` but by ${release.created_by}` : ''}`
}

/** What must not change between the plan and the act. */
function stateOf(deployment: DeploymentDetail | undefined): string {
  if (!deployment) return 'none'
  const { deployment_id, status, release, traffic } = deployment as DeploymentDetail & { traffic?: unknown }
  return canonical({ deployment_id, status, release: release.number, traffic })
}
