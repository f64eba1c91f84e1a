import { environmentOption, type Argument, type Command } from '../frame/command.ts'

const profile: Argument = { name: 'name', text: 'the name of a profile', complete: 'profiles' }
const load = () => import('../commands/profile.ts')

export const localCommands: readonly Command[] = [
  {
    path: 'whoami',
    summary: 'Say which server and key are used, and why',
    notes: ['Each value with its source: flag, variable, project, profile or default. Then it is tried.'],
    examples: [['whoami', 'nothing of a key but its public part is shown']],
    run: async (call) => (await import('../commands/whoami.ts')).whoami(call),
  },
  {
    path: 'doctor',
    summary: 'Look for what is wrong between here and the server',
    notes: [
      'What it prints holds no secret and can be pasted anywhere. Exit code 1 if something is not as it should be, 7 if there is no answer.',
    ],
    examples: [['doctor', 'versions, settings, address, health, clock, key']],
    run: async (call) => (await import('../commands/doctor.ts')).doctor(call),
  },
  {
    path: 'profile list',
    aliases: ['profiles'],
    summary: 'List the profiles',
    examples: [['profile list', 'the one in use has a star']],
    run: async (call) => (await load()).listProfiles(call),
  },
  {
    path: 'profile use',
    summary: 'Use another profile from now on',
    arguments: [profile],
    examples: [['profile use staging', 'until another one is used']],
    run: async (call) => (await load()).useProfile(call),
  },
  {
    path: 'profile set',
    summary: 'Make a profile, or change it',
    notes: ['The first profile is used from then on. The key is kept in a file of its own, which only you may read.'],
    arguments: [profile],
    options: {
      environment: { value: 'environment', text: 'the environment that commands take without --env', complete: 'environments' },
      'key-stdin': { text: 'read an API key from the standard input' },
    },
    examples: [
      ['profile set local --url http://localhost:8000 --environment development', 'without a key'],
      ['profile set staging --url https://studio.example --key-stdin < key.txt', 'with one'],
    ],
    run: async (call) => (await load()).setProfile(call),
  },
  {
    path: 'profile delete',
    summary: 'Delete a profile and its key',
    arguments: [profile],
    examples: [['profile delete staging', 'the key is forgotten here; it stays valid until it is revoked']],
    run: async (call) => (await load()).deleteProfile(call),
  },
  {
    path: 'completion',
    summary: 'Print the completion for a shell',
    arguments: [{ name: 'shell', text: 'the shell', choices: ['bash', 'zsh', 'fish'] }],
    examples: [
      ['completion bash >> ~/.bashrc', 'for bash'],
      ['completion zsh > "${fpath[1]}/_agent-studio"', 'for zsh'],
      ['completion fish > ~/.config/fish/completions/agent-studio.fish', 'for fish'],
    ],
    run: async (call) => (await import('../commands/completion.ts')).printCompletion(call),
  },
  {
    path: 'completion names',
    hidden: true,
    summary: 'Print what a word may become',
    arguments: [{ name: 'words', text: 'the words so far', optional: true, many: true }],
    options: { env: environmentOption },
    examples: [['completion names -- stop po', 'for the scripts of the shells']],
    run: async (call) => (await import('../commands/completion.ts')).printNames(call),
  },
  {
    path: 'api',
    summary: 'Send any request',
    arguments: [
      { name: 'method', text: 'GET, POST, PUT, PATCH or DELETE' },
      { name: 'path', text: 'such as /api/workflows' },
    ],
    options: {
      data: { short: 'd', value: 'json', text: 'the body: JSON, @file, or - for the standard input' },
      header: { short: 'H', value: 'header', text: 'such as "If-Match: …"', many: true },
      include: { text: 'print the headers of the answer, too' },
    },
    examples: [
      ['api GET /api/workflows/deployments/active', 'with the address and the key of the settings'],
      [`api POST /api/agents --data '{"name": "Editor"}'`, 'repeated safely while the server is busy'],
    ],
    run: async (call) => (await import('../commands/api.ts')).callApi(call),
  },
]
