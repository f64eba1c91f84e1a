import { beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useExample, type Think } from './example.ts'
import { useMcpProgram } from './outside.ts'

const mcp = useMcpProgram()
const example = useExample('mcp-assistant')
const here = (json: string): string => json.replaceAll('http://127.0.0.1:3001/mcp', mcp.url)

const sums: Think = ({ results }) =>
  results.length === 0
    ? { toolCalls: [{ name: 'everything_get-sum', arguments: '{"a":20,"b":22}' }] }
    : { text: `It says: ${results.join(' ')}` }

describe('an agent with an MCP server', () => {
  it('calls its tools, and those alone that were named', async () => {
    let tools: string[] = []
    example.think = (request) => {
      ;({ tools } = request)
      return sums(request)
    }
    const { body } = await example.studio.execute({ deployment_name: await example.deploy(here), query: 'How much is 20 and 22?' })
    expect(body.response).toBe('It says: The sum of 20 and 22 is 42.')
    expect(tools).toEqual(['current_time', 'everything_echo', 'everything_get-sum'])
  })

  it('is told of arguments that do not fit and of a tool that there is not, and nothing is called', async () => {
    example.think = ({ results }) =>
      results.length === 0
        ? {
            toolCalls: [
              { name: 'everything_get-sum', arguments: '{"a":"x"}' },
              { name: 'everything_get-env', arguments: '{}' },
            ],
          }
        : { text: results.join('\n') }
    const { body } = await example.studio.execute({ deployment_name: await example.deploy(here), query: 'x' })
    expect(body.response).toContain("The arguments do not fit the schema of 'everything_get-sum'")
    expect(body.response).toContain("There is no tool named 'everything_get-env'")
  })

  it('waits for a person where every call is to be approved, over a kill, and calls with what was shown', async () => {
    example.think = sums
    const name = await example.deploy((json) => here(json).replace('"approval_deadline"', '"approval": "always", "approval_deadline"'))
    const id = await example.start(name, 'sum')
    await example.waits(id)
    await example.studio.crash()
    const before = example.asked
    const [asked] = (await example.studio.call('GET', '/api/approvals')).body
    expect(asked.details).toMatchObject({ tool: 'everything_get-sum', arguments: { a: 20, b: 22 } })
    await example.studio.call('POST', `/api/executions/${id}/approve`)
    expect((await example.ended(id)).response).toBe('It says: The sum of 20 and 22 is 42.')
    expect(example.asked - before).toBe(1)
  })

  it('killed after a call, does not call again', async () => {
    let holds = true
    let told = 0
    const { promise: never } = Promise.withResolvers<{ text: string }>()
    example.think = (request) => {
      if (request.results.length === 0) return sums(request)
      told++
      return holds ? never : sums(request)
    }
    const id = await example.start(await example.deploy(here), 'sum')
    await until(async () => told === 1, 'the result of the call')
    holds = false
    // Who would be asked again would fail.
    await mcp.end()
    await example.studio.crash()
    expect((await example.ended(id)).response).toBe('It says: The sum of 20 and 22 is 42.')
    await mcp.start()
  })

  describe('whose server is gone', () => {
    let name: string
    beforeAll(async () => {
      name = await example.deploy(here, { runtime_config: { max_retries: 0 } })
      await mcp.end()
      return () => mcp.start()
    })

    it('is told so, and answers', async () => {
      example.think = sums
      const { body } = await example.studio.execute({ deployment_name: name, query: 'sum' })
      expect(body.response).toContain('The tool failed')
    })

    it('is not deployed, and the answer says which tool', async () => {
      await expect(example.deploy(here)).rejects.toThrow(/tools_unreachable/)
    })
  })
})
