import type { Answer, DeploymentDetail, Workflow } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { EXIT, wrongCall, type ExitCode } from '../frame/exit.ts'
import { count } from '../output/words.ts'
import { allDeployments, findDeployment, findWorkflow, getDeployment } from './find.ts'
import { isObject, parseOne, readInput } from './inputs.ts'
import { waitFor } from './leave.ts'
import { deploymentItem, deploymentTable } from './views.ts'
import { showRehearsal, type Rehearsal } from './comparison.ts'

export async function listDeployments(call: Call): Promise<void> {
  const { environment } = call
  const [status, q] = [call.option('status') as 'active' | 'inactive' | undefined, call.arg('text')]
  const rows = await allDeployments(call, {
    ...(environment !== undefined && { environment }),
    ...(status !== undefined && { status }),
    ...(q !== undefined && { q }),
  })
  await call.show.list(rows, deploymentTable(call.terminal))
}

export async function showDeployment(call: Call): Promise<void> {
  await call.show.item(await getDeployment(call, call.needed('name'), call.environment), deploymentItem)
}

/** Deploys a workflow, or says what that would do. */
export async function deploy(call: Call): Promise<ExitCode> {
  const { environment } = call
  if (environment === undefined)
    throw wrongCall('Say where to deploy: --env <environment>.', `'agent-studio profile set <name> --environment …' keeps one.`)
  call.terminal.phase(`Looking for ${call.needed('workflow')}`)
  const workflow = await findWorkflow(call, call.needed('workflow'))
  const name = call.option('name') ?? nameFor(workflow)
  const runtime_config = await readRuntimeConfig(call)
  const [note, deployed_by, in_flight] = [call.option('note'), call.option('by'), call.option('in-flight') as 'pin' | 'cancel' | undefined]
  const body = {
    deployment_name: name,
    environment,
    ...(runtime_config !== undefined && { runtime_config }),
    ...(note !== undefined && { note }),
    ...(deployed_by !== undefined && { deployed_by }),
    ...(in_flight !== undefined && { in_flight }),
    ...(call.flag('force') && { force: true }),
    ...(call.flag('automated') && { automated: true }),
    ...(call.flag('dry-run') && { dry_run: true }),
  }
  call.terminal.phase(
    call.flag('dry-run')
      ? `Asking what a deploy as ${name} would do`
      : `Deploying ${workflow.name} ${workflow.version} as ${name} to ${environment}`,
  )
  const answer = await call.studio.call('deployWorkflow', { path: { workflow_id: workflow.workflow_id }, body })
  if (call.flag('dry-run')) return showRehearsal(call, answer as unknown as Rehearsal, `${name} in ${environment}`)
  await showDeployed(call, answer, name, environment)
  return EXIT.done
}

/** What makes a release answers with it, or with a proposal where a second key has to approve it. */
export async function showDeployed(call: Call, answer: unknown, name: string, environment: string): Promise<void> {
  const { release, unchanged, warnings, proposal } = answer as {
    release?: { number: number; digest: string }
    unchanged?: boolean
    warnings?: { message: string }[]
    proposal?: { proposal_id: string }
  }
  for (const { message } of warnings ?? []) call.terminal.warn(`Warning: ${message}`)
  const sentence = proposal
    ? `Proposed: a second key has to approve it for ${environment}: agent-studio proposal approve ${proposal.proposal_id}`
    : unchanged
      ? `Unchanged: ${name} in ${environment} serves release ${release?.number}, which is the same.`
      : `Deployed ${name} in ${environment}: release ${release?.number} (${release?.digest.slice(0, 12)}) serves now.`
  await call.show.done(answer, sentence, `${name}@${environment}`)
}

/** `Support triage` is deployed as `support-triage`. */
function nameFor({ name }: Workflow): string {
  const made = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 128)
  if (made === '' || made === 'active') throw wrongCall(`'${name}' gives no name for a deployment.`, 'Say one: --name <name>.')
  return made
}

/** The settings of a release: a file or JSON, and what is set by itself. Undefined keeps those of the last release. */
export async function readRuntimeConfig(call: Call): Promise<Record<string, unknown> | undefined> {
  const given = call.option('config')
  const text =
    given?.startsWith('@') || given === '-' ? await readInput(given === '-' ? given : given.slice(1), 'The configuration') : given
  const config = text === undefined ? undefined : await parseOne(text, '--config')
  if (config !== undefined && !isObject(config)) throw wrongCall('--config is an object, such as {"timeout": 60}.')
  const [timeout, max_retries] = [call.number('timeout', { least: 1, most: 86_400 }), call.number('max-retries', { most: 20 })]
  if (config === undefined && timeout === undefined && max_retries === undefined) return undefined
  return { ...config, ...(timeout !== undefined && { timeout }), ...(max_retries !== undefined && { max_retries }) }
}

export async function stop(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const [mode, deadline] = [call.option('mode') as 'drain' | 'cancel' | 'freeze' | undefined, call.number('deadline', { least: 0 })]
  const body = { environment, ...(mode !== undefined && { mode }), ...(deadline !== undefined && { deadline }) }
  const answer = await call.studio.call('stopDeployment', { path: { deployment_name: name }, body })
  const left = inFlight(answer)
  call.terminal.say(`Stopped ${name} in ${environment}: no execution begins any more. ${count(left, 'execution')} in flight.`)
  if (!call.flag('wait')) return call.show.done(answer, `${name} in ${environment} is stopped.`, `${name}@${environment}`)
  const ended = await drained(call, name, environment)
  const { frozen } = ended.in_flight
  const rest = frozen > 0 ? `${count(frozen, 'execution')} of it ${frozen === 1 ? 'is' : 'are'} frozen` : 'nothing of it is in flight'
  await call.show.done(ended, `${name} in ${environment} is stopped, and ${rest}.`, `${name}@${environment}`)
}

/** Seconds that one look waits for the end: short enough to say how it goes. */
const LOOK = 2

async function drained(call: Call, name: string, environment: string): Promise<Answer<'getDrain'>> {
  const waited = () => ({ what: `What is in flight of ${name}`, back: `agent-studio stop ${name} --env ${environment} --wait` })
  return waitFor(call.number('timeout', { most: 86_400 }), waited, async (signal) => {
    let said = ''
    for (;;) {
      const now = await call.studio.call('getDrain', { path: { deployment_name: name }, query: { environment, wait: LOOK } }, { signal })
      if (now.done) return now
      const { frozen } = now.in_flight
      const left = `${count(inFlight(now) - frozen, 'execution')}${frozen > 0 ? ` (${frozen} frozen)` : ''}`
      if (left !== said) call.terminal.phase(`Waiting for ${left}`)
      said = left
    }
  })
}

function inFlight({ in_flight: { queued, running, waiting } }: Pick<DeploymentDetail, 'in_flight'>): number {
  return queued + running + waiting
}

export async function reactivate(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const answer = await call.studio.call('reactivateDeployment', { path: { deployment_name: name }, body: { environment } })
  await call.show.done(answer, `${name} in ${environment} serves release ${answer.release.number} again.`, `${name}@${environment}`)
}

export async function deleteDeployment(call: Call): Promise<void> {
  const name = call.needed('name')
  const found = await findDeployment(call, name)
  const { environment, status, execution_count } = found
  if (!call.flag('yes')) {
    const loses = `its releases, statistics and ${count(execution_count + inFlight(found), 'execution')}`
    await call.terminal.confirmByName(
      `This deletes ${name} in ${environment}, which is ${status}: ${loses} are gone at once, and it cannot be undone.`,
      name,
    )
  }
  const answer = await call.studio.call('deleteDeployment', { path: { deployment_name: name }, query: { environment } })
  await call.show.done(answer, `Deleted ${name} in ${environment}.`, `${name}@${environment}`)
}
