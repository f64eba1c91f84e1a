import type { Reply, RequestBody } from '../support/scripted-model.ts'
import { badModels } from './bad-models.ts'
import type { Random } from './random.ts'

/** One call of a model, as the process that answers it sees it. */
export interface Call {
  body: RequestBody
  /** 1 for the first call with this idempotency key, also counting those of servers that were killed. */
  run: number
  random: Random
  /** Resolves when the torture lets go of the calls that are held. */
  released: Promise<void>
}

export type Behaviour = (call: Call) => Reply | Promise<Reply>

/**
 * What models do, by the name that an agent's config has behind `openai/`. Every answer names its run, so that a text
 * made of two runs, or of another run than the recorded one, is seen.
 */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  /** Asks the other agent once, then answers. */
  'team-lead': ({ body, run }) =>
    body.messages?.some(({ role }) => role === 'tool')
      ? { pieces: ['all ', `done in run ${run}`], delayMs: 4 }
      : { toolCalls: [{ name: 'b', arguments: '{"query":"go on"}' }] },
  'team-member': ({ run }) => ({ pieces: ['from b ', `in run ${run}`], delayMs: 4 }),

  'fails-twice': ({ run }) =>
    run <= 2
      ? { status: 429, headers: { 'retry-after-ms': String(RETRY_AFTER_MS) }, body: { error: { message: 'Too many.' } } }
      : { text: `done in run ${run}` },
  'refuses-once': ({ run }) =>
    run === 1 ? { status: 400, body: { error: { message: 'Not like this.' } } } : { text: `done in run ${run}` },

  hangs: () => ({ hang: true }),
  held: async ({ run, released }) => {
    await released
    return { text: `let go in run ${run}` }
  },
  /** Held before it asks the other agent; what follows is not. */
  'held-lead': async ({ body, run, released }) => {
    if (body.messages?.some(({ role }) => role === 'tool')) return { text: `all done in run ${run}` }
    await released
    return { toolCalls: [{ name: 'b', arguments: '{"query":"go on"}' }] }
  },

  /** Tells something long, sometimes slowly, and breaks off now and then. */
  tells: ({ run, random }) => ({
    pieces: [`run ${run}: `, ...Array.from({ length: 4 + Math.floor(random.next() * 20) }, (_, index) => `${index} – 🎈 `)],
    delayMs: Math.floor(random.between(0, 12)),
    ...(random.next() < 0.15 && { breakAfter: 3 }),
  }),
  /** The same, never in a hurry: whoever reads along is surely cut off in the middle. */
  'tells-slowly': ({ run }) => ({
    pieces: [`run ${run}: `, ...Array.from({ length: 40 }, (_, index) => `${index} – 🎈 `)],
    delayMs: 15,
  }),
  /** Answers with so much text that a small disk is full soon. */
  'fills-the-disk': ({ run }) => ({ text: `run ${run}: ${'0123456789abcdef'.repeat(2_000)}` }),

  ...badModels,
}

/** What `fails-twice` asks for between its calls. */
export const RETRY_AFTER_MS = 300
