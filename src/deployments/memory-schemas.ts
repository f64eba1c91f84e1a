import { DEFAULT_MEMORY } from '../engine/conversation.ts'
import { Type } from '../http/type.ts'

const turns = Type.Integer({
  minimum: 0,
  maximum: 1_000,
  description: `Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default ${DEFAULT_MEMORY.turns}.`,
})
const characters = Type.Integer({
  minimum: 0,
  maximum: 1_000_000,
  description: `Of all of them together; a turn is remembered as a whole or not at all. Default ${DEFAULT_MEMORY.characters}.`,
})
const memory = {
  additionalProperties: false,
  description: 'How much of a session its executions see.',
  examples: [{ turns: 10, characters: 20_000 }],
}

/** As a deploy gives it. */
export const MemoryInput = Type.Object({ turns: Type.Optional(turns), characters: Type.Optional(characters) }, memory)

/** As it is shown. */
export const Memory = Type.Object({ turns, characters }, memory)
