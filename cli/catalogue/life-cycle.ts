import { environmentOption, type Argument, type Command } from '../frame/command.ts'
import { runtimeConfigOptions } from './deployments.ts'

const name: Argument = { name: 'name', text: 'the name of a deployment', complete: 'deployments' }
const proposal: Argument = { name: 'proposal', text: 'its id' }
const reason = { value: 'text', text: 'why; kept with the change' }
const note = { value: 'text', text: 'why; kept with the release' }
const load = () => import('../commands/life-cycle.ts')

export const lifeCycleCommands: readonly Command[] = [
  {
    path: 'rollback',
    summary: 'Let an earlier release serve again',
    notes: [
      'Makes no release; without --to it is the last one that was healthy. Automated deploys are held from then on, until `deployment resume-deploys`.',
    ],
    arguments: [name],
    options: { env: environmentOption, to: { value: 'release', text: 'the number of a release' }, reason },
    examples: [
      ['rollback poet --env production', 'to the last release that was healthy'],
      ['rollback poet --env production --to 12 --reason "Too long"', 'to this one'],
    ],
    run: async (call) => (await load()).rollBack(call),
  },
  {
    path: 'deployment resume-deploys',
    summary: 'Take automated deploys again after a rollback',
    arguments: [name],
    options: { env: environmentOption },
    examples: [['deployment resume-deploys poet --env production', 'what a rollback holds goes on']],
    run: async (call) => (await load()).resumeDeploys(call),
  },
  {
    path: 'promote',
    summary: 'Let the same definition serve in another environment',
    notes: [
      'With the secrets, variables and runtime configuration that it has there. What is missing there is named, and then nothing is changed.',
    ],
    arguments: [name],
    options: {
      from: { value: 'environment', text: 'where it is; without it the only other one', complete: 'environments' },
      to: { value: 'environment', text: 'where it shall serve', complete: 'environments' },
      as: { value: 'name', text: 'under another name' },
      release: { value: 'number', text: 'this release; without it the live one' },
      note,
      'dry-run': { text: 'say what would differ and what is missing, and change nothing' },
      automated: { text: 'for pipelines: refused while a rollback holds automated deploys' },
      by: { value: 'name', text: 'who promotes it, where no key says so' },
      ...runtimeConfigOptions,
    },
    examples: [
      ['promote poet --from development --to production', 'what serves there'],
      ['promote poet --to production --dry-run', 'what would differ, and what is missing'],
    ],
    run: async (call) => (await load()).promote(call),
  },
  {
    path: 'deployment configure',
    summary: 'Change the runtime configuration of what serves',
    notes: ['Makes a release with the same definition. What is not named stays as it is; null takes something away.'],
    arguments: [name],
    options: { env: environmentOption, ...runtimeConfigOptions, note },
    examples: [['deployment configure poet --timeout 120 --note "Long poems"', 'the same definition with more time']],
    run: async (call) => (await load()).configure(call),
  },
  {
    path: 'proposal list',
    aliases: ['proposals'],
    summary: 'List what a second key has to approve',
    examples: [['proposal list', 'deploys and promotions to protected environments']],
    run: async (call) => (await load()).listProposals(call),
  },
  {
    path: 'proposal get',
    summary: 'Look at a proposal',
    arguments: [proposal],
    examples: [['proposal get 01a20aec-1787-7650-a221-1228222b69a4 --json', 'what would serve']],
    run: async (call) => (await load()).getProposal(call),
  },
  ...(['approve', 'reject'] as const).map((verb): Command => ({
    path: `proposal ${verb}`,
    summary: verb === 'approve' ? 'Approve a proposal with another key than it was made with' : 'Reject a proposal',
    arguments: [proposal],
    options: { reason },
    examples: [[`proposal ${verb} 01a20aec-1787-7650-a221-1228222b69a4`, verb === 'approve' ? 'it serves at once' : 'nothing is changed']],
    run: async (call) => (await load()).decideProposal(call, verb),
  })),
]
