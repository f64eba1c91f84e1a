import { StudioProblem, type DeploymentDetail, type Workflow } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { CommandFailed, EXIT } from '../frame/exit.ts'
import { nearest } from '../frame/suggest.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
export const isId = (text: string): boolean => UUID.test(text)

/** A page of workflows has so many. */
const PAGE = 500

/** Every workflow. */
export async function allWorkflows(call: Call, query: { is_deployed?: boolean } = {}): Promise<Workflow[]> {
  const found: Workflow[] = []
  for (;;) {
    const page = await call.studio.call('listWorkflows', { query: { ...query, skip: found.length, limit: PAGE } })
    found.push(...page)
    if (page.length < PAGE) return found
  }
}

/** By its id, its name, or `name@version`. @throws CommandFailed where there is none, or the name has several versions */
export async function findWorkflow(call: Call, text: string): Promise<Workflow> {
  if (isId(text)) return call.studio.call('getWorkflow', { path: { workflow_id: text } })
  const workflows = await allWorkflows(call)
  const found = workflows.filter(({ name, version }) => text === name || text === `${name}@${version}`)
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    throw new CommandFailed(
      EXIT.conflict,
      'name_ambiguous',
      `'${text}' is ${found.length} workflows: ${found.map(({ version }) => version).join(', ')}.`,
      {
        next: `Name the version: '${found.at(-1)!.name}@${found.at(-1)!.version}'.`,
      },
    )
  }
  const guess = nearest(text, new Set(workflows.map(({ name }) => name)))
  throw new CommandFailed(EXIT.notFound, 'workflow_not_found', `There is no workflow '${text}'.`, {
    next: guess === undefined ? `'agent-studio workflow list' shows what there is.` : `Did you mean '${guess}'?`,
  })
}

/** Active and stopped ones. */
export async function allDeployments(call: Call, query: { environment?: string; status?: 'active' | 'inactive'; q?: string } = {}) {
  return Array.fromAsync(call.studio.list('listDeployments', { query: { ...query, limit: 500 } }))
}

/**
 * The one deployment of that name, for commands that change it: where it is in several environments, none of them is guessed.
 * @param status where the command makes sense for one state alone
 */
export async function findDeployment(call: Call, name: string, environment = call.environment): Promise<DeploymentDetail> {
  if (environment !== undefined) return getDeployment(call, name, environment)
  const found = (await allDeployments(call, { q: name })).filter((one) => one.deployment_name === name)
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    const environments = found.map((one) => one.environment)
    throw new CommandFailed(EXIT.conflict, 'name_ambiguous', `'${name}' is deployed in ${environments.join(' and ')}.`, {
      next: `Say which one: --env ${environments[0]}.`,
    })
  }
  throw await notFound(call, name, undefined)
}

export async function getDeployment(call: Call, name: string, environment: string | undefined): Promise<DeploymentDetail> {
  try {
    return await call.studio.call('getDeployment', {
      path: { deployment_name: name },
      query: { ...(environment !== undefined && { environment }) },
    })
  } catch (error) {
    if (error instanceof StudioProblem && error.code === 'deployment_not_found') throw await notFound(call, name, environment)
    throw error
  }
}

async function notFound(call: Call, name: string, environment: string | undefined): Promise<CommandFailed> {
  const all = await allDeployments(call).catch(() => [])
  const elsewhere = all.filter((one) => one.deployment_name === name).map((one) => one.environment)
  const guess = nearest(name, new Set(all.map((one) => one.deployment_name)))
  const next =
    elsewhere.length > 0
      ? `It is in ${elsewhere.join(' and ')}: --env ${elsewhere[0]}.`
      : guess === undefined
        ? `'agent-studio deployment list' shows what there is.`
        : `Did you mean '${guess}'?`
  const where = environment === undefined ? '' : ` in ${environment}`
  return new CommandFailed(EXIT.notFound, 'deployment_not_found', `No deployment is named '${name}'${where}.`, { next })
}
