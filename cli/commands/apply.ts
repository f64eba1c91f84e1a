import type { Call } from '../frame/call.ts'
import { CommandFailed, EXIT, wrongCall, type ExitCode } from '../frame/exit.ts'
import { count } from '../output/words.ts'
import { readObjects } from '../apply/documents.ts'
import { isBlocked, makePlan, type Planned } from '../apply/plan.ts'
import { planPrune } from '../apply/prune.ts'
import { describeComparison } from './comparison.ts'

/** Brings the server to what the files say: looks at everything first, and begins only what can be done as a whole. */
export async function apply(call: Call): Promise<ExitCode> {
  const plan = await planOf(call)
  const dry = call.flag('dry-run')
  if (dry || plan.some(isBlocked)) {
    await showPlan(call, plan, { applied: false })
    if (plan.some(isBlocked)) throw refusal(plan)
    return EXIT.done
  }
  if (!call.show.isForPrograms) describe(call, plan).forEach((line) => call.terminal.say(line))
  const deleted = plan.filter(({ action }) => action === 'delete')
  if (deleted.length > 0 && !call.flag('yes')) await call.terminal.confirm(`This deletes ${deleted.map(({ id }) => id).join(', ')}. Go on?`)
  return act(call, plan)
}

/** What `apply` would do. 0: nothing; 1: there are differences. */
export async function diff(call: Call): Promise<ExitCode> {
  const plan = await planOf(call)
  await showPlan(call, plan, { applied: false })
  return plan.every(({ action }) => action === 'unchanged') ? EXIT.done : EXIT.no
}

async function planOf(call: Call): Promise<Planned[]> {
  const files = call.options('file')
  if (files.length === 0) throw wrongCall('Say which files: -f <file or folder>, or -f - for the standard input.')
  if (call.option('selector') !== undefined && !call.flag('prune'))
    throw wrongCall('--selector says what --prune may delete; without --prune it means nothing.')
  const objects = await readObjects(files)
  const plan = await makePlan(call, objects, call.flag('force'))
  return call.flag('prune') ? [...plan, ...(await planPrune(call, objects, call.option('selector')))] : plan
}

async function act(call: Call, plan: readonly Planned[]): Promise<ExitCode> {
  const results = new Map<Planned, string>()
  let failure: unknown
  for (const one of plan) {
    if (!one.act) continue
    call.terminal.phase(one.id)
    try {
      results.set(one, await one.act())
    } catch (error) {
      failure = error
      results.set(one, `failed: ${(error as Error).message}`)
      break
    }
  }
  const objects = plan.map((one) => ({ ...toDocument(one), result: results.get(one) ?? (one.act ? 'not begun' : one.action) }))
  const done = objects.filter(({ result }) => result !== 'not begun' && !result.startsWith('failed') && result !== 'unchanged').length
  const lines = objects.map(({ id, result }) => `${id}: ${result}`)
  await call.show.done({ applied: failure === undefined, objects }, [...lines, `${count(done, 'change')}.`].join('\n'), 'applied')
  if (failure !== undefined) throw failure
  return EXIT.done
}

async function showPlan(call: Call, plan: readonly Planned[], { applied }: { applied: boolean }): Promise<void> {
  await call.show.done({ applied, objects: plan.map(toDocument) }, describe(call, plan).join('\n'), 'plan')
}

function toDocument({ act: _act, ...planned }: Planned): Omit<Planned, 'act'> {
  return planned
}

const SIGNS: Record<Planned['action'], [sign: string, color: 'green' | 'yellow' | 'red' | 'dim']> = {
  create: ['+', 'green'],
  update: ['~', 'yellow'],
  unchanged: ['=', 'dim'],
  drift: ['!', 'red'],
  blocked: ['!', 'red'],
  delete: ['-', 'red'],
}

function describe(call: Call, plan: readonly Planned[]): string[] {
  const lines = plan.flatMap(({ id, action, summary, changes }) => {
    const [sign, color] = SIGNS[action]
    const details = changes && action !== 'unchanged' ? describeComparison(call.terminal, changes).map((line) => `    ${line}`) : []
    return [`${call.terminal.style(color, `${sign} ${id}`)}: ${summary}`, ...details]
  })
  const counts = Map.groupBy(plan, ({ action }) => action)
  const words: [Planned['action'], string][] = [
    ['create', 'to create'],
    ['update', 'to change'],
    ['delete', 'to delete'],
    ['drift', 'changed by others'],
    ['blocked', 'not possible'],
    ['unchanged', 'unchanged'],
  ]
  return [...lines, words.flatMap(([action, text]) => (counts.has(action) ? [`${counts.get(action)!.length} ${text}`] : [])).join(', ')]
}

function refusal(plan: readonly Planned[]): CommandFailed {
  const drifted = plan.filter(({ action }) => action === 'drift')
  const blocked = plan.filter(({ action }) => action === 'blocked')
  if (blocked.length > 0) {
    return new CommandFailed(
      EXIT.no,
      'plan_blocked',
      `Nothing was changed: ${blocked.map(({ id, summary }) => `${id} ${summary}`).join('; ')}.`,
    )
  }
  return new CommandFailed(EXIT.conflict, 'drift', `Nothing was changed: ${drifted.map(({ id }) => id).join(', ')} would be overwritten.`, {
    next: 'Take the changes over into the files, or say --force.',
  })
}
