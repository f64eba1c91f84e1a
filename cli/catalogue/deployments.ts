import { environmentOption, yesOption, type Argument, type Command, type Option } from '../frame/command.ts'

const name: Argument = { name: 'name', text: 'the name of a deployment', complete: 'deployments' }
const load = () => import('../commands/deployment.ts')

export const runtimeConfigOptions = {
  config: { value: 'json', text: 'the runtime configuration: JSON, @file, or - for the standard input' },
  timeout: { value: 'seconds', text: 'how long an execution may take' },
  'max-retries': { value: 'count', text: 'how often a step is tried again' },
} satisfies Record<string, Option>

export const deploymentCommands: readonly Command[] = [
  {
    path: 'deploy',
    summary: 'Deploy a workflow under a name',
    notes: [
      'Makes the next release of the name in the environment; an active one switches over without an execution lost or refused.',
      'Without --config, --timeout and --max-retries the settings of the last release are kept.',
    ],
    arguments: [{ name: 'workflow', text: 'its name, name@version, or id', complete: 'workflows' }],
    options: {
      env: environmentOption,
      name: { short: 'n', value: 'name', text: 'what the deployment is called; without it as the workflow is', complete: 'deployments' },
      note: { value: 'text', text: 'why; kept with the release' },
      'dry-run': { text: 'say what would differ, and change nothing' },
      'in-flight': { value: 'what', text: 'executions of the release before: pin (they end on it) or cancel', choices: ['pin', 'cancel'] },
      force: { text: 'make a release even if the very same one serves already' },
      automated: { text: 'for pipelines: refused while a rollback holds automated deploys' },
      by: { value: 'name', text: 'who deploys it, where no key says so' },
      ...runtimeConfigOptions,
    },
    examples: [
      ['deploy Poet --env production', 'as poet'],
      ['deploy Poet --env production --name poet --dry-run', 'what would differ from what serves now'],
      ['deploy Poet --env production --note "Shorter poems" --timeout 60', 'with a note, and a limit of time'],
    ],
    run: async (call) => (await load()).deploy(call),
  },
  {
    path: 'deployment list',
    aliases: ['list', 'deployments'],
    summary: 'List the deployments',
    arguments: [{ name: 'text', text: 'a part of the name', optional: true }],
    options: { env: environmentOption, status: { value: 'status', text: 'active or inactive', choices: ['active', 'inactive'] } },
    examples: [
      ['list', 'active and stopped ones'],
      ['list --env production --status active -o name', 'names for a script'],
    ],
    run: async (call) => (await load()).listDeployments(call),
  },
  {
    path: 'deployment get',
    summary: 'Look at a deployment',
    arguments: [name],
    options: { env: environmentOption },
    examples: [['deployment get poet --env production', 'what serves, how it does, and what is in flight']],
    run: async (call) => (await load()).showDeployment(call),
  },
  {
    path: 'deployment stop',
    aliases: ['stop'],
    summary: 'Stop a deployment',
    notes: ['From then on no execution begins. Its record and statistics are kept.'],
    arguments: [name],
    options: {
      env: environmentOption,
      mode: {
        value: 'mode',
        text: 'what is in flight: drain (ends by itself), cancel, or freeze (rests until it is reactivated)',
        choices: ['drain', 'cancel', 'freeze'],
      },
      deadline: { value: 'seconds', text: 'what has not ended by then is cancelled' },
      wait: { text: 'until nothing is in flight' },
      timeout: { value: 'seconds', text: 'how long to wait; then exit code 8' },
    },
    examples: [
      ['stop poet', 'what runs may end'],
      ['stop poet --mode cancel', 'what runs is cancelled'],
      ['stop poet --deadline 30 --wait', 'until the last execution has ended, at most about 30 seconds'],
    ],
    run: async (call) => (await load()).stop(call),
  },
  {
    path: 'deployment reactivate',
    aliases: ['reactivate'],
    summary: 'Let a stopped deployment serve again',
    notes: ['The same release and the same statistics; frozen executions go on.'],
    arguments: [name],
    options: { env: environmentOption },
    examples: [['deployment reactivate poet', 'exactly what was stopped']],
    run: async (call) => (await load()).reactivate(call),
  },
  {
    path: 'deployment delete',
    summary: 'Delete a deployment',
    notes: ['Its releases, statistics and executions are gone at once, and it cannot be undone.'],
    arguments: [name],
    options: { env: environmentOption, yes: yesOption },
    examples: [
      ['deployment delete poet', 'asks for its name first'],
      ['deployment delete poet --env development --yes', 'in a script'],
    ],
    run: async (call) => (await load()).deleteDeployment(call),
  },
]
