// Fastify that answers at once what an execution would be answered with: no validation, no journal, no model.
import fastify from 'fastify'

const app = fastify()
app.post('/api/workflows/execute', (request) => {
  const { query, deployment_name } = request.body as { query: string; deployment_name: string }
  return {
    status: 'success',
    response: query,
    execution_id: '019a0000-0000-7000-8000-000000000000',
    workflow_id: '019a0000-0000-7000-8000-000000000001',
    deployment_id: '019a0000-0000-7000-8000-000000000002',
    deployment_name,
    environment: 'production',
    release: 1,
    tokens: { input: 8, output: 8, total: 16 },
    demo: true,
  }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
