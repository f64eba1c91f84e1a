import { environmentOption, yesOption, type Argument, type Command } from '../frame/command.ts'

const execution: Argument = { name: 'execution', text: 'its id' }
const executionOrName: Argument = {
  name: 'execution',
  text: 'its id; or the name of a deployment, for its newest one',
  complete: 'deployments',
}
const timeout = { value: 'seconds', text: 'how long to wait; then exit code 8, and the execution goes on' }
const load = () => import('../commands/execution.ts')

export const executionCommands: readonly Command[] = [
  {
    path: 'run',
    summary: 'Run a deployment',
    notes: [
      'Waits for the answer and prints it. Ctrl-C leaves the execution running and says how to return to it.',
      'It goes on when the server is started again in the middle. Exit code 1 if the execution fails.',
    ],
    arguments: [
      { name: 'name', text: 'the name of a deployment; with --draft that of a workflow', complete: 'deployments' },
      { name: 'query', text: 'what it is asked', optional: true },
    ],
    options: {
      query: { value: 'text', text: 'what it is asked' },
      input: { short: 'i', value: 'input', text: 'name=text, name:=json, @file, or - for the standard input', many: true },
      stream: { short: 's', text: 'print the answer as it is written' },
      jsonl: { text: 'print every event as a line of JSON' },
      detach: { text: 'print the id and leave' },
      draft: { text: 'try the draft of a workflow, which counts for no deployment' },
      env: environmentOption,
      release: { value: 'number', text: 'a release that traffic leads to' },
      tag: { value: 'tag', text: 'a release by its tag' },
      session: { value: 'id', text: 'the conversation that it belongs to' },
      user: { value: 'id', text: 'for whom' },
      timeout,
    },
    examples: [
      ['run hello "What can you do?"', 'waits for the answer'],
      ['run hello "What can you do?" --stream', 'prints it as it is written'],
      ['run triage --input subject="No light" --input count:=3', 'with input'],
      ['run triage --input @ticket.json --detach', 'prints the id'],
      ['run Poet "Rain" --draft', 'the workflow as it is now, deployed or not'],
    ],
    run: async (call) => (await import('../commands/run.ts')).run(call),
  },
  {
    path: 'exec list',
    aliases: ['executions'],
    summary: 'List executions, newest first',
    arguments: [{ name: 'deployment', text: 'only those of this name', optional: true, complete: 'deployments' }],
    options: {
      env: environmentOption,
      status: { value: 'status', text: 'only those', choices: ['queued', 'running', 'waiting', 'completed', 'failed', 'cancelled'] },
      release: { value: 'number', text: 'only those of this release' },
      session: { value: 'id', text: 'only those of this session' },
      since: { value: 'time', text: 'accepted then or later: a time, or 90m, 12h, 7d ago' },
      until: { value: 'time', text: 'accepted before' },
      limit: { value: 'count', text: 'at most so many; without it 20' },
    },
    examples: [
      ['exec list poet --status failed --since 12h', 'what failed in the last half day'],
      ['exec list --json --limit 500', 'for a program'],
    ],
    run: async (call) => (await load()).listExecutions(call),
  },
  {
    path: 'exec get',
    summary: 'Look at an execution and its steps',
    arguments: [executionOrName],
    options: { env: environmentOption, steps: { text: 'with --json: the steps, too' } },
    examples: [['exec get poet', 'the newest one of poet']],
    run: async (call) => (await load()).getExecution(call),
  },
  {
    path: 'exec tail',
    aliases: ['tail'],
    summary: 'Follow an execution until it has ended',
    notes: [
      'From its first event on, also when it has ended already. It goes on when the server is started again. Exit code 1 if the execution fails.',
    ],
    arguments: [executionOrName],
    options: {
      env: environmentOption,
      after: { value: 'id', text: 'only what follows this event' },
      jsonl: { text: 'print every event as a line of JSON' },
      timeout,
    },
    examples: [
      ['tail 01a20aec-1787-7650-a221-1228222b69a4', 'its answer and its steps'],
      ['tail poet --jsonl', 'the newest one of poet, for a program'],
    ],
    run: async (call) => (await load()).tail(call),
  },
  {
    path: 'exec cancel',
    summary: 'Cancel an execution',
    arguments: [execution],
    examples: [['exec cancel 01a20aec-1787-7650-a221-1228222b69a4', 'when it says so, it has ended']],
    run: async (call) => (await load()).cancelExecution(call),
  },
  {
    path: 'exec resume',
    summary: 'Let a failed execution go on from the step that failed',
    arguments: [execution],
    examples: [['exec resume 01a20aec-1787-7650-a221-1228222b69a4', 'what was recorded is kept']],
    run: async (call) => (await load()).resumeExecution(call),
  },
  ...(
    [
      [
        'rerun',
        'Run ended executions of a release again, on what serves now',
        'completed, failed or cancelled; without it failed',
        '--release 2 --since 1h',
      ],
      ['cancel-all', 'Cancel what a deployment has in flight', 'queued, running or waiting; without it all three', '--release 2'],
    ] as const
  ).map(([verb, summary, states, options]): Command => ({
    path: `exec ${verb}`,
    summary,
    notes: ['All that is chosen, or as many as --limit says; it tells how many are left. Asks first.'],
    arguments: [{ name: 'name', text: 'the name of a deployment', complete: 'deployments' }],
    options: {
      env: environmentOption,
      status: { value: 'status', text: states, many: true },
      release: { value: 'number', text: 'only those of this release' },
      since: { value: 'time', text: 'accepted then or later: a time, or 90m, 12h, 7d ago' },
      until: { value: 'time', text: 'accepted before; without it, before now' },
      limit: { value: 'count', text: 'at most so many' },
      yes: yesOption,
    },
    examples: [
      [`exec ${verb} poet ${options}`, verb === 'rerun' ? 'what release 2 did wrong in the last hour' : 'what still runs on release 2'],
    ],
    run: async (call) => {
      const { cancelMany, rerun } = await import('../commands/many-executions.ts')
      return verb === 'rerun' ? rerun(call) : cancelMany(call)
    },
  })),
  {
    path: 'exec signal',
    summary: 'Send a signal to an execution',
    arguments: [execution, { name: 'signal', text: 'the name of the signal' }],
    options: { payload: { value: 'json', text: 'JSON, @file, or - for the standard input' } },
    examples: [[`exec signal 01a20aec-1787-7650-a221-1228222b69a4 paid --payload '{"amount": 12}'`, 'the step that waits for it goes on']],
    run: async (call) => (await load()).sendSignal(call),
  },
  {
    path: 'approvals list',
    aliases: ['approvals'],
    summary: 'List what waits for a decision',
    examples: [['approvals list', 'those of the oldest executions first']],
    run: async (call) => (await load()).listApprovals(call),
  },
  ...(['approve', 'reject'] as const).map((verb): Command => ({
    path: `approvals ${verb}`,
    summary: verb === 'approve' ? 'Approve what an execution waits for' : 'Reject what an execution waits for',
    arguments: [execution],
    options: {
      step: { value: 'step', text: 'which, where several steps wait' },
      comment: { value: 'text', text: 'why; kept with the decision' },
    },
    examples: [[`approvals ${verb} 01a20aec-1787-7650-a221-1228222b69a4 --comment "Seen"`, 'the first decision counts']],
    run: async (call) => (await load()).decide(call, verb),
  })),
]
