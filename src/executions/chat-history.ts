import { InvalidInput } from '../errors.ts'
import type { ExecutionRequest } from '../engine/journal.ts'

type Item = { role: string; content: string } | { actor: string; content: string }

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

/** @throws InvalidInput that names every speaker who is nobody we know: taken for a user he would change the conversation */
export function readChatHistory(items: readonly Item[]): ExecutionRequest['chat_history'] {
  const read = items.map((item, index) => {
    const key = 'role' in item ? 'role' : 'actor'
    const speaker = 'role' in item ? item.role : item.actor
    const role = Object.hasOwn(roles, speaker.toLowerCase()) ? roles[speaker.toLowerCase() as keyof typeof roles] : undefined
    return { role, content: item.content, pointer: `/chat_history/${index}/${key}` }
  })
  const errors = read
    .filter(({ role }) => role === undefined)
    .slice(0, 100)
    .map(({ pointer }) => ({ pointer, code: 'not_allowed', message: `The speaker must be one of ${Object.keys(roles).join(', ')}.` }))
  if (errors.length > 0) throw new InvalidInput({ errors })
  return read.map(({ role, content }) => ({ role: role!, content }))
}
