import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { asSchema } from '@ai-sdk/provider-utils'
import { expect, it } from 'vitest'
import { prepareChunks } from './prepared-chunks.ts'

// Fails when the package keeps it somewhere else: then look whether there is still something to gain.
it('leaves the package nothing to make for each chunk of an answer', async () => {
  const model = prepareChunks(createOpenAICompatible({ name: 'any', baseURL: 'http://127.0.0.1:1' }).chatModel('any'))
  const { chunkSchema } = model as unknown as { chunkSchema: ReturnType<typeof asSchema> }
  expect(asSchema(chunkSchema)).toBe(chunkSchema)
  expect(await chunkSchema.validate!({ choices: [{ delta: { content: 'yes' } }] })).toMatchObject({ success: true })
  expect(await chunkSchema.validate!({ choices: 'none' })).toMatchObject({ success: false })
})
