import { environmentOption, yesOption, type Argument, type Command } from '../frame/command.ts'

const part: Argument = { name: 'text', text: 'a part of the name', optional: true }
const secret: Argument = { name: 'name', text: 'the name of the secret' }
const variable: Argument = { name: 'name', text: 'the name of the variable' }
const file = { short: 'f', value: 'file', text: 'a file with the value, instead of the standard input', complete: 'files' } as const
const isNew = { text: 'only if there is none yet' }
const force = { text: 'also while active deployments use it' }
const load = () => import('../commands/settings-values.ts')

export const settingsCommands: readonly Command[] = [
  {
    path: 'secret list',
    summary: 'List the secrets, without their values',
    arguments: [part],
    options: { env: environmentOption },
    examples: [['secret list --env production', 'who changed them, and what uses them']],
    run: async (call) => (await load()).listSecrets(call),
  },
  {
    path: 'secret set',
    summary: 'Store a secret, whose value comes from the standard input',
    notes: ['Never as an argument: those are seen by everybody on the machine. One line break at the end is left out.'],
    arguments: [secret],
    options: { env: environmentOption, file, new: isNew },
    examples: [['secret set CRM_TOKEN --env production < token.txt', 'counts from the next step on']],
    run: async (call) => (await load()).setSecret(call),
  },
  {
    path: 'secret delete',
    summary: 'Delete a secret',
    arguments: [secret],
    options: { env: environmentOption, yes: yesOption, force },
    examples: [['secret delete CRM_TOKEN --env production', 'asks for its name first']],
    run: async (call) => (await load()).deleteSecret(call),
  },
  {
    path: 'variable list',
    aliases: ['variables'],
    summary: 'List the variables',
    arguments: [part],
    options: { env: environmentOption },
    examples: [['variable list --env production', 'with their values']],
    run: async (call) => (await load()).listVariables(call),
  },
  {
    path: 'variable get',
    summary: 'Print the value of a variable',
    arguments: [variable],
    options: { env: environmentOption },
    examples: [['variable get CRM_URL --env production', 'the value alone on the standard output']],
    run: async (call) => (await load()).getVariable(call),
  },
  {
    path: 'variable set',
    summary: 'Store a variable',
    arguments: [variable, { name: 'value', text: 'its value; without it, from the standard input', optional: true }],
    options: { env: environmentOption, file, new: isNew },
    examples: [['variable set CRM_URL https://crm.example.com --env production', 'counts for executions that begin later']],
    run: async (call) => (await load()).setVariable(call),
  },
  {
    path: 'variable delete',
    summary: 'Delete a variable',
    arguments: [variable],
    options: { env: environmentOption, yes: yesOption, force },
    examples: [['variable delete CRM_URL --env production --yes', 'in a script']],
    run: async (call) => (await load()).deleteVariable(call),
  },
]
