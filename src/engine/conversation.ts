import type { ExecutionRequest } from './journal.ts'

/**
 * A conversation is what one API key says to one deployment under one `session_id`. Its executions run one after the other, in the
 * order of their admission, and each sees those before it that completed.
 */

/** How much of it an execution sees: so many turns at most, the newest, and no more characters than that in all of them. */
export interface Memory {
  /** A question and its answer. 0: nothing is remembered, and nobody waits for anybody. */
  turns: number
  characters: number
}

export const DEFAULT_MEMORY: Memory = { turns: 20, characters: 32_000 }

/** Executions of a conversation that may wait for their turn. */
export const MOST_IN_CONVERSATION = 100

type Item = ExecutionRequest['chat_history'][number]

/** Whether the request says itself what was said before, so that it is not said twice. Instructions are not what was said. */
export function bringsHistory({ chat_history }: Pick<ExecutionRequest, 'chat_history'>): boolean {
  return chat_history.some(({ role }) => role !== 'system')
}

/** @param remembered as it is recorded; null where there is nothing */
export function withTurns(request: ExecutionRequest, remembered: string | null): ExecutionRequest {
  if (remembered === null || remembered === NOTHING) return request
  return { ...request, chat_history: [...request.chat_history, ...(JSON.parse(remembered) as Item[])] }
}

/** What is recorded where there is nothing to remember. */
export const NOTHING = '[]'

/** How many turns that are. */
export function countTurns(remembered: string | null): number {
  return remembered === null ? 0 : (JSON.parse(remembered) as Item[]).filter(({ role }) => role === 'user').length
}

/** A turn as those after it see it. What is empty was not said. */
export function turnOf(query: string, response: string): Item[] {
  const said: Item[] = [
    { role: 'user', content: query },
    { role: 'assistant', content: response },
  ]
  return said.filter(({ content }) => content !== '')
}
