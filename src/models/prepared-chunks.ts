import type { LanguageModelV4 } from '@ai-sdk/provider'
import { asSchema } from '@ai-sdk/provider-utils'

/**
 * Makes what checks the chunks of this model's answers, once. The package for compatible servers makes it for each chunk, which costs a
 * twentieth of a call, and more of the memory: each is an object with a getter, so of a shape of its own, and shapes lie in
 * V8's old generation, from where they take all that the call has made along.
 */
export function prepareChunks(model: LanguageModelV4): LanguageModelV4 {
  // Private only by its type. Where a later version of the package has none, there is nothing to make.
  const inside = model as { chunkSchema?: Parameters<typeof asSchema>[0] }
  if (inside.chunkSchema) inside.chunkSchema = asSchema(inside.chunkSchema)
  return model
}
