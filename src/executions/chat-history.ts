import type { Issue } from '../errors.ts'
import type { ExecutionRequest } from '../engine/journal.ts'

/** What clients call the two sides of a conversation, and instructions. */
const roles = {
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  ai: 'assistant',
  bot: 'assistant',
  agent: 'assistant',
  system: 'system',
} as const

type Role = ExecutionRequest['chat_history'][number]['role']
type Item = { role: string; content: string } | { actor: string; content: string }

/** Names every speaker who is nobody we know: taken for a user he would change the conversation. */
export function checkChatHistory(items: unknown): Issue[] {
  if (!Array.isArray(items)) return []
  return items.flatMap((item: Partial<Record<'role' | 'actor', unknown>> | null, index) => {
    const key = item?.role === undefined ? 'actor' : 'role'
    const speaker = item?.[key]
    if (typeof speaker !== 'string' || roleOf(speaker)) return []
    const message = `The speaker must be one of ${Object.keys(roles).join(', ')}.`
    return [{ pointer: `/chat_history/${index}/${key}`, code: 'not_allowed', message }]
  })
}

/** @param items that were checked */
export function readChatHistory(items: readonly Item[]): ExecutionRequest['chat_history'] {
  return items.map((item) => ({ role: roleOf('role' in item ? item.role : item.actor)!, content: item.content }))
}

function roleOf(speaker: string): Role | undefined {
  const name = speaker.toLowerCase()
  return Object.hasOwn(roles, name) ? roles[name as keyof typeof roles] : undefined
}
