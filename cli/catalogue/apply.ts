import { yesOption, type Command, type Option } from '../frame/command.ts'

const file: Option = { short: 'f', value: 'file', text: 'a file or a folder; - is the standard input', many: true, complete: 'files' }
const prune: Option = { text: 'delete what the selector means and the files do not have' }
const selector: Option = { value: 'selector', text: 'tag=<tag>: workflows with that tag, and their deployments' }
const force: Option = { text: 'overwrite what somebody else has changed' }
const load = () => import('../commands/apply.ts')

export const applyCommands: readonly Command[] = [
  {
    path: 'apply',
    summary: 'Bring the server to what files say',
    notes: [
      'Files are objects of the API with a `kind`: Workflow, Deployment, Variable, SecretRef; YAML or JSON, several in a file.',
      'A Workflow changes the draft, and only a Deployment changes what serves. Everything is looked at before anything is changed;',
      'what somebody else has changed since the last apply is shown and left as it is, and then nothing is changed at all.',
    ],
    options: { file, 'dry-run': { text: 'show the plan and change nothing' }, force, prune, selector, yes: yesOption },
    examples: [
      ['apply -f studio/ --dry-run', 'what would happen'],
      ['apply -f studio/', 'all files of the folder'],
      ['apply -f studio/ --prune --selector tag=support', 'and delete what is not there any more; asks first'],
    ],
    run: async (call) => (await load()).apply(call),
  },
  {
    path: 'diff',
    summary: 'Show how the server differs from files',
    notes: ['Exit code 0: it does not; 1: it does. Nothing is changed.'],
    options: { file, force, prune, selector },
    examples: [['diff -f studio/', 'node by node, prompts line by line']],
    run: async (call) => (await load()).diff(call),
  },
]
