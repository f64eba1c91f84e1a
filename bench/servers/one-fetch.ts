// Fastify that calls the model server of OPENAI_BASE_URL, reads its stream and answers with the text: nothing is checked,
// recorded or streamed on.
import fastify from 'fastify'

const app = fastify()
app.post('/api/workflows/execute', async (request) => {
  const { query } = request.body as { query: string }
  const response = await fetch(`${process.env['OPENAI_BASE_URL']}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'stub',
      messages: [{ role: 'user', content: query }],
      stream: true,
      stream_options: { include_usage: true },
    }),
  })
  if (!response.ok) throw new Error(`the model server answered ${response.status}`)
  return { status: 'success', ...(await readStream(response.body!)) }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))

interface Chunk {
  choices: { delta: { content?: string } }[]
  usage?: { prompt_tokens: number; completion_tokens: number }
}

async function readStream(stream: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder()
  let rest = ''
  let response = ''
  let usage: Chunk['usage']
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue
      const chunk = JSON.parse(line.slice(6)) as Chunk
      response += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
  }
  const input = usage?.prompt_tokens ?? 0
  const output = usage?.completion_tokens ?? 0
  return { response, tokens: { input, output, total: input + output } }
}
