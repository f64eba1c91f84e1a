import { environmentOption, type Argument, type Command } from '../frame/command.ts'

const name: Argument = { name: 'name', text: 'the name of a deployment', complete: 'deployments' }
const release = (what: string, text: string): Argument => ({ name: what, text, optional: true })
const reason = { value: 'text', text: 'why; kept with the change' }
const load = () => import('../commands/release.ts')
const traffic = () => import('../commands/traffic.ts')

export const releaseCommands: readonly Command[] = [
  {
    path: 'release list',
    aliases: ['releases'],
    summary: 'List the releases of a deployment, newest first',
    arguments: [name],
    options: { env: environmentOption },
    examples: [['release list poet', 'who made each, when and why, and what goes to it now']],
    run: async (call) => (await load()).listReleases(call),
  },
  {
    path: 'release get',
    summary: 'Look at a release',
    arguments: [name, { name: 'number', text: 'its number' }],
    options: { env: environmentOption },
    examples: [['release get poet 2', 'with --json the whole definition as it runs']],
    run: async (call) => (await load()).getRelease(call),
  },
  {
    path: 'release diff',
    summary: 'Compare two releases, node by node',
    notes: ['Without numbers: the live one and the one before it. Exit code 0: they are the same; 1: they differ.'],
    arguments: [name, release('from', 'a release'), release('to', 'another one; without it what is live')],
    options: {
      env: environmentOption,
      draft: { text: 'compare with the workflow as it is now' },
      'to-env': { value: 'environment', text: 'compare with what serves there', complete: 'environments' },
      'to-name': { value: 'name', text: 'compare with what serves under that name', complete: 'deployments' },
    },
    examples: [
      ['release diff poet', 'what the last deploy changed'],
      ['release diff poet 1 3', 'two of them'],
      ['release diff poet --draft', 'what a deploy would change'],
      ['release diff poet --env development --to-env production', 'what a promotion would change'],
    ],
    run: async (call) => (await load()).compareReleases(call),
  },
  {
    path: 'traffic get',
    aliases: ['traffic'],
    summary: 'Show how executions are divided among releases, and how these do',
    arguments: [name],
    options: { env: environmentOption },
    examples: [['traffic get poet', 'errors and durations of each release']],
    run: async (call) => (await traffic()).getTraffic(call),
  },
  {
    path: 'traffic set',
    summary: 'Divide executions among releases',
    notes: [
      'Percentages add up to 100. One of 0 can be called by its number or tag alone. Sessions stay on their release.',
      'With a bound, traffic goes back by itself when a release passes it, and never forward.',
    ],
    arguments: [name, { name: 'routes', text: 'release=percent, with :tag behind it if it has one, separated by commas' }],
    options: {
      env: environmentOption,
      reason,
      'max-errors': { value: 'percent', text: 'guard: so many of a hundred may fail' },
      'max-p95': { value: 'ms', text: 'guard: 95 of a hundred are done by then' },
      'max-cost': { value: 'dollars', text: 'guard: what one may cost on average' },
      'min-samples': { value: 'count', text: 'guard: executions by which a release is judged; without it 50' },
      'back-to': { value: 'release', text: 'guard: where traffic goes back to; without it the live release' },
    },
    examples: [
      ['traffic set poet 14=10,13=90', 'a tenth of the executions to release 14'],
      ['traffic set poet 14=0:candidate,13=100', 'release 14 is called by its tag alone: run poet --tag candidate'],
      ['traffic set poet 14=10,13=90 --max-errors 5 --min-samples 100', 'back to 13 by itself when more than 5 % fail'],
    ],
    run: async (call) => (await traffic()).setTraffic(call),
  },
  {
    path: 'traffic abort',
    summary: 'Send all executions back to the release that served before the canary',
    arguments: [name],
    options: { env: environmentOption, reason },
    examples: [['traffic abort poet --reason "Too slow"', 'back to where the guard would go, or else to the largest part']],
    run: async (call) => (await traffic()).abortTraffic(call),
  },
  {
    path: 'traffic changes',
    summary: 'List what changed the traffic, newest first',
    arguments: [name],
    options: { env: environmentOption, limit: { value: 'count', text: 'at most so many; without it 20' } },
    examples: [['traffic changes poet', 'by whom and why, the guard among them']],
    run: async (call) => (await traffic()).listChanges(call),
  },
]
