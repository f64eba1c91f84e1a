// Fastify that calls the model server of OPENAI_BASE_URL with the AI SDK's own `streamText` and the provider package that
// Agent Studio uses, reads the answer to its end and answers with text and tokens: nothing is checked, recorded or streamed on.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'
import fastify from 'fastify'

const provider = createOpenAICompatible({ name: 'openai', baseURL: process.env['OPENAI_BASE_URL']!, includeUsage: true })
const model = provider.chatModel('stub')

const app = fastify()
app.post('/api/workflows/execute', async (request) => {
  const { query } = request.body as { query: string }
  const result = streamText({ model, prompt: query, maxRetries: 0 })
  let response = ''
  for await (const piece of result.textStream) response += piece
  const { inputTokens, outputTokens, totalTokens } = await result.usage
  return { status: 'success', response, tokens: { input: inputTokens, output: outputTokens, total: totalTokens } }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
