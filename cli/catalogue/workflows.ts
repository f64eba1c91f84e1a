import { environmentOption, yesOption, type Command } from '../frame/command.ts'

const workflow = { name: 'workflow', text: 'its name, name@version, or id', complete: 'workflows' } as const
const load = () => import('../commands/workflow.ts')

const fields = {
  'version-name': { value: 'version', text: 'its version; without it 1.0.0' },
  description: { value: 'text', text: 'what it is for' },
  tag: { value: 'tag', text: 'a tag', many: true },
} as const

export const workflowCommands: readonly Command[] = [
  {
    path: 'workflow list',
    aliases: ['workflows'],
    summary: 'List the workflows',
    options: { deployed: { text: 'only those that an active deployment serves' } },
    examples: [['workflow list', 'all of them, with where they are deployed']],
    run: async (call) => (await load()).listWorkflows(call),
  },
  {
    path: 'workflow get',
    summary: 'Look at a workflow',
    arguments: [workflow],
    examples: [
      ['workflow get Poet', 'its agents and connections'],
      ['workflow get Poet --json', 'all of it'],
    ],
    run: async (call) => (await load()).getWorkflow(call),
  },
  {
    path: 'workflow create',
    summary: 'Create a workflow',
    arguments: [{ name: 'name', text: 'what it is called' }],
    options: {
      file: { short: 'f', value: 'file', text: 'its configuration in JSON or YAML; - is the standard input', complete: 'files' },
      ...fields,
    },
    examples: [['workflow create Poet --file poet.json', 'with the configuration in that file']],
    run: async (call) => (await load()).createWorkflow(call),
  },
  {
    path: 'workflow import',
    summary: 'Create a workflow from a file that was exported',
    notes: [
      'With --replace a workflow of that name and version is changed instead. What is deployed stays as it is until the next deploy.',
    ],
    arguments: [{ name: 'file', text: 'JSON or YAML; - is the standard input', complete: 'files' }],
    options: {
      name: { value: 'name', text: 'another name than the file says' },
      replace: { text: 'change the workflow of that name and version' },
      ...fields,
    },
    examples: [
      ['workflow import poet.yaml', 'makes it'],
      ['workflow import poet.yaml --replace', 'makes it, or changes the one that is there'],
    ],
    run: async (call) => (await load()).importWorkflow(call),
  },
  {
    path: 'workflow export',
    summary: 'Print a workflow as a file',
    notes: ['YAML that `workflow import` and `apply` take; with --json it is JSON.'],
    arguments: [workflow],
    options: { file: { short: 'f', value: 'file', text: 'where to write it', complete: 'files' } },
    examples: [['workflow export Poet > poet.yaml', 'keeps it in a file']],
    run: async (call) => (await load()).exportWorkflow(call),
  },
  {
    path: 'workflow validate',
    summary: 'Check whether a workflow could be deployed',
    notes: ['With an environment, also whether that has the secrets and variables that it refers to. Exit code 1 if it could not.'],
    arguments: [workflow],
    options: { env: environmentOption },
    examples: [['workflow validate Poet --env production', 'every problem with its place']],
    run: async (call) => (await load()).validateWorkflow(call),
  },
  {
    path: 'workflow delete',
    summary: 'Delete a workflow',
    notes: ['Its stopped deployments stay usable. While a deployment of it is active it cannot be deleted.'],
    arguments: [workflow],
    options: { yes: yesOption },
    examples: [['workflow delete Poet', 'asks for its name first']],
    run: async (call) => (await load()).deleteWorkflow(call),
  },
]
