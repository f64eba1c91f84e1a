import type { Answer } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { EXIT, wrongCall, type ExitCode } from '../frame/exit.ts'
import type { TableView } from '../output/show.ts'
import { ago } from '../output/words.ts'
import { showRehearsal, type Rehearsal } from './comparison.ts'
import { readRuntimeConfig, showDeployed } from './deployment.ts'
import { findDeployment } from './find.ts'

/** Back to a release that is there; without a number, to the last that was healthy. */
export async function rollBack(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const [to, reason] = [call.number('to', { least: 1 }), call.option('reason')]
  const answer = await call.studio.call('rollBackDeployment', {
    path: { deployment_name: name },
    body: { environment, ...(to !== undefined && { to }), ...(reason !== undefined && { reason }) },
  })
  const lines = [
    `${name} in ${environment} serves release ${answer.to} again.`,
    ...answer.touched.map(({ release, counts }) => {
      const inFlight = counts.queued + counts.running + counts.waiting
      const seen = `Release ${release} had ${counts.failed} failed, ${counts.completed} completed and ${inFlight} unfinished executions`
      return `${seen}: agent-studio exec rerun ${name} --release ${release}, or exec cancel-all.`
    }),
    ...(answer.hold ? [`Automated deploys are held until: agent-studio deployment resume-deploys ${name} --env ${environment}`] : []),
  ]
  await call.show.done(answer, lines.join('\n'), `${name}@${environment}`)
}

export async function resumeDeploys(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const answer = await call.studio.call('resumeDeploys', { path: { deployment_name: name }, body: { environment } })
  await call.show.done(answer, `${name} in ${environment} takes automated deploys again.`, `${name}@${environment}`)
}

/** The same definition in another environment, with what that has. */
export async function promote(call: Call): Promise<ExitCode> {
  const name = call.needed('name')
  const to = call.option('to')
  if (to === undefined) throw wrongCall('Say where to: --to <environment>.')
  const from = call.option('from') ?? (await sourceOf(call, name, to))
  const as = call.option('as') ?? name
  const runtime_config = await readRuntimeConfig(call)
  const [release, note, deployed_by] = [call.number('release', { least: 1 }), call.option('note'), call.option('by')]
  const body = {
    environment: to,
    ...(as !== name && { as }),
    ...(release !== undefined && { release }),
    ...(runtime_config !== undefined && { runtime_config }),
    ...(note !== undefined && { note }),
    ...(deployed_by !== undefined && { deployed_by }),
    ...(call.flag('automated') && { automated: true }),
    ...(call.flag('dry-run') && { dry_run: true }),
  }
  call.terminal.phase(call.flag('dry-run') ? `Asking what a promotion to ${to} would do` : `Promoting ${name} from ${from} to ${to}`)
  const answer = await call.studio.call('promoteDeployment', { path: { deployment_name: name }, query: { environment: from }, body })
  if (call.flag('dry-run')) return showRehearsal(call, answer as Rehearsal, `${as} in ${to}`)
  await showDeployed(call, answer, as, to)
  return EXIT.done
}

/** The one environment that it is in, beside that where it is to go. */
async function sourceOf(call: Call, name: string, to: string): Promise<string> {
  const { environment } = call
  if (environment !== undefined && environment !== to) return environment
  const found = await Array.fromAsync(call.studio.list('listDeployments', { query: { q: name, limit: 500 } }))
  const others = found.filter((one) => one.deployment_name === name && one.environment !== to)
  if (others.length === 1) return others[0]!.environment
  if (others.length === 0) return (await findDeployment(call, name)).environment
  throw wrongCall(
    `${name} is in ${others.map((one) => one.environment).join(' and ')}: say which to promote.`,
    `--from ${others[0]!.environment}`,
  )
}

/** Another runtime configuration makes a release with the same definition. */
export async function configure(call: Call): Promise<void> {
  const name = call.needed('name')
  const runtime_config = await readRuntimeConfig(call)
  if (runtime_config === undefined) throw wrongCall('Say what to change: --config, --timeout or --max-retries.')
  const { environment } = await findDeployment(call, name)
  const note = call.option('note')
  const answer = await call.studio.call('configureDeployment', {
    path: { deployment_name: name },
    query: { environment },
    body: { runtime_config, ...(note !== undefined && { note }) },
  })
  await showDeployed(call, answer, name, environment)
}

type Proposal = Answer<'listProposals'>[number]

const proposalTable: TableView<Proposal> = {
  columns: [
    { title: 'proposal id', value: ({ proposal_id }) => proposal_id },
    { title: 'status', value: ({ status }) => status },
    { title: 'kind', value: ({ kind }) => kind.replace('_', ' ') },
    { title: 'deployment', value: ({ deployment_name, environment }) => `${deployment_name} (${environment})` },
    { title: 'asked', value: ({ requested_at }) => ago(requested_at) },
    { title: 'by', value: ({ requested_by }) => requested_by },
    { title: 'note', value: ({ note }) => note },
  ],
  name: ({ proposal_id }) => proposal_id,
  nothing: 'There are no proposals.',
}

export async function listProposals(call: Call): Promise<void> {
  await call.show.list(await Array.fromAsync(call.studio.list('listProposals', { query: { limit: 500 } })), proposalTable)
}

export async function getProposal(call: Call): Promise<void> {
  const proposal = await call.studio.call('getProposal', { path: { proposal_id: call.needed('proposal') } })
  await call.show.item(proposal, {
    name: ({ proposal_id }) => proposal_id,
    lines: (one) => Object.entries(one).filter(([name]) => name !== 'diff'),
  })
}

export async function decideProposal(call: Call, verb: 'approve' | 'reject'): Promise<void> {
  const proposal_id = call.needed('proposal')
  const reason = call.option('reason')
  const body = reason === undefined ? {} : { reason }
  const answer = await call.studio.call(`${verb}Proposal`, { path: { proposal_id }, body })
  await call.show.done(answer, verb === 'approve' ? 'Approved: it serves now.' : 'Rejected.', proposal_id)
}
