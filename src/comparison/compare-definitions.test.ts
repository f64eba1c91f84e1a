import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Definition } from '../graph/definition.ts'
import { compareDefinitions, compareObjects } from './compare-definitions.ts'
import { isSame } from './is-same.ts'

const agent = (agent_id: string, config: object = {}) => ({ agent_id, config: { model: 'demo/echo', ...config } })
const definition = (parts: Partial<Definition> = {}): Definition => ({ agents: [agent('a')], connections: [], ...parts })
const prompt = (lines: number, changed?: number) =>
  Array.from({ length: lines }, (_, index) => `Rule ${index}${index === changed ? ', changed' : ''}.`).join('\n')

describe('two definitions', () => {
  it('that are the same differ in nothing', async () => {
    expect(await compareDefinitions(definition(), definition())).toEqual({
      counts: { nodes: { added: 0, removed: 0, changed: 0 }, connections: { added: 0, removed: 0, changed: 0 }, settings: 0 },
      nodes: [],
      connections: [],
      settings: [],
      truncated: false,
    })
  })

  it('differ by nodes, which are known by their ids wherever they stand', async () => {
    const before = definition({ agents: [agent('a', { temperature: 0.2 }), agent('gone')] })
    const step = { step_id: 'fetch', step_type: 'http', config: { url: 'https://a.example' } }
    const after = definition({ agents: [agent('new'), agent('a', { temperature: 0.4 })], steps: [step] })
    const { nodes, counts, settings } = await compareDefinitions(before, after)
    expect(counts.nodes).toEqual({ added: 2, removed: 1, changed: 1 })
    expect(settings).toEqual([])
    expect(nodes).toEqual([
      {
        change: 'added',
        node: 'agent',
        id: 'new',
        type: null,
        pointer: '/agents/0',
        differences: [{ pointer: '/agents/0', change: 'added', after: agent('new') }],
      },
      {
        change: 'changed',
        node: 'agent',
        id: 'a',
        type: null,
        pointer: '/agents/1',
        differences: [{ pointer: '/agents/1/config/temperature', change: 'changed', before: 0.2, after: 0.4 }],
      },
      {
        change: 'removed',
        node: 'agent',
        id: 'gone',
        type: null,
        pointer: '/agents/1',
        differences: [{ pointer: '/agents/1', change: 'removed', before: agent('gone') }],
      },
      {
        change: 'added',
        node: 'step',
        id: 'fetch',
        type: 'http',
        pointer: '/steps/0',
        differences: [{ pointer: '/steps/0', change: 'added', after: step }],
      },
    ])
  })

  it('show long texts line by line', async () => {
    const before = definition({ agents: [agent('a', { system_prompt: prompt(40) })] })
    const after = definition({ agents: [agent('a', { system_prompt: prompt(40, 20) })] })
    const [node] = (await compareDefinitions(before, after)).nodes
    expect(node!.differences).toEqual([
      {
        pointer: '/agents/0/config/system_prompt',
        change: 'changed',
        diff: `@@ -18,7 +18,7 @@\n Rule 17.\n Rule 18.\n Rule 19.\n-Rule 20.\n+Rule 20, changed.\n Rule 21.\n Rule 22.\n Rule 23.`,
      },
    ])
  })

  it('differ by connections, which are known by their ends', async () => {
    const connection = (target: string, fields: object = {}) => ({
      source_agent_id: 'a',
      target_agent_id: target,
      connection_type: 'default',
      ...fields,
    })
    const agents = ['a', 'b', 'c', 'd'].map((id) => agent(id))
    const before = definition({ agents, connections: [connection('b'), connection('c')] })
    const after = definition({ agents, connections: [connection('d'), connection('b', { connection_type: 'handoff' })] })
    const { connections, counts } = await compareDefinitions(before, after)
    expect(counts.connections).toEqual({ added: 1, removed: 1, changed: 1 })
    expect(connections.map(({ change, source, target, pointer }) => [change, source, target, pointer])).toEqual([
      ['added', 'a', 'd', '/connections/0'],
      ['changed', 'a', 'b', '/connections/1'],
      ['removed', 'a', 'c', '/connections/1'],
    ])
    expect(connections[1]!.differences).toEqual([
      { pointer: '/connections/1/connection_type', change: 'changed', before: 'default', after: 'handoff' },
    ])
  })

  it('differ in the order of what both have, and say so', async () => {
    const [a, b] = [agent('a', { tools: ['x', 'y'] }), agent('b')]
    const swapped = { ...a, config: { ...a.config, tools: ['y', 'x'] } }
    const { nodes, settings, counts } = await compareDefinitions(definition({ agents: [a, b] }), definition({ agents: [b, swapped] }))
    expect(settings).toEqual([{ pointer: '/agents', change: 'reordered' }])
    expect(counts.settings).toBe(1)
    expect(nodes.map(({ differences }) => differences)).toEqual([[{ pointer: '/agents/1/config/tools', change: 'reordered' }]])
  })

  it('know tools by their names, with the schemas that were recorded of them', async () => {
    const tool = (name: string, type: string) => ({ name, inputSchema: { properties: { id: { type } } } })
    const server = (...tools: object[]) => ({ type: 'mcp', url: 'https://tools.example', recorded: { tools } })
    const before = definition({ agents: [agent('a', { tools: ['calculate', server(tool('find', 'string'), tool('drop', 'string'))] })] })
    const after = definition({ agents: [agent('a', { tools: [server(tool('find', 'integer'))] })] })
    const [node] = (await compareDefinitions(before, after)).nodes
    expect(node!.differences).toEqual([
      {
        pointer: '/agents/0/config/tools/0/recorded/tools/0/inputSchema/properties/id/type',
        change: 'changed',
        before: 'string',
        after: 'integer',
      },
      { pointer: '/agents/0/config/tools/1/recorded/tools/1', change: 'removed', before: tool('drop', 'string') },
      { pointer: '/agents/0/config/tools/0', change: 'removed', before: 'calculate' },
    ])
  })

  it('show what differs in the workflows that their steps run', async () => {
    const outer = (inner: Definition, timeout: number) =>
      definition({ steps: [{ step_id: 'sub', step_type: 'workflow', config: { workflow: 'inner', timeout, definition: inner } }] })
    const before = outer(definition(), 5)
    const after = outer(definition({ agents: [agent('a', { model: 'demo/assistant' })], metadata: { x: 1 } }), 6)
    const { nodes, settings } = await compareDefinitions(before, after)
    expect(nodes).toMatchObject([
      { id: 'sub', differences: [{ pointer: '/steps/0/config/timeout', before: 5, after: 6 }] },
      {
        id: 'a',
        within: ['sub'],
        pointer: '/steps/0/config/definition/agents/0',
        differences: [{ pointer: '/steps/0/config/definition/agents/0/config/model' }],
      },
    ])
    expect(settings).toEqual([{ pointer: '/steps/0/config/definition/metadata', change: 'added', after: { x: 1 } }])
    const [step] = (await compareDefinitions(definition(), after)).nodes
    expect(step!.differences).toEqual([
      {
        pointer: '/steps/0',
        change: 'added',
        after: { step_id: 'sub', step_type: 'workflow', config: { workflow: 'inner', timeout: 6 } },
      },
    ])
  })

  it('are compared within a second with 10,000 nodes that all differ, and count them all', async () => {
    const nodes = (text: string) =>
      Array.from({ length: 10_000 }, (_, index) => agent(`agent-${index}`, { system_prompt: `${text}\n${index}` }))
    const began = performance.now()
    const found = await compareDefinitions(definition({ agents: nodes('one') }), definition({ agents: nodes('two') }))
    // A tenth of it on a quiet machine.
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(found.counts.nodes.changed).toBe(10_000)
    expect(found.nodes.length).toBeLessThanOrEqual(2_000)
    expect(found.truncated).toBe(true)
  })

  it('of texts that have nothing in common end in time, with the beginning of each', async () => {
    const noise = (seed: number) => Array.from({ length: 100_000 }, (_, index) => `${(index * seed) % 99_991}`).join('\n')
    const texts = [noise(7919), noise(104_729)]
    const [before, after] = texts.map((system_prompt) => definition({ agents: [agent('a', { system_prompt })] }))
    const [difference] = (await compareDefinitions(before!, after!)).nodes[0]!.differences
    expect(difference).toMatchObject({ change: 'changed', truncated: true })
    expect(texts[0]!.startsWith(difference!.before as string)).toBe(true)
    expect(difference!.before).toHaveLength(20_000)
  })
})

const value = fc.jsonValue({ maxDepth: 3 })
const pairs = fc.tuple(value, value)

describe('any two objects', () => {
  it('differ in something exactly when they are not the same', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async ([one, other]) => {
        expect((await compareObjects({ x: one }, { x: other }, '')).length === 0).toBe(isSame(one, other))
      }),
    )
  })

  it('are told without what is the same on both sides', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async ([one, other]) => {
        for (const { change, before, after, diff } of await compareObjects({ x: one }, { x: other }, '')) {
          if (change === 'changed' && diff === undefined) expect(isSame(before, after)).toBe(false)
        }
      }),
    )
  })

  it('may have names that every object inherits', async () => {
    const before = JSON.parse('{"__proto__": 1, "constructor": {"name": 1}}') as object
    const after = JSON.parse('{"__proto__": 2, "toString": 1}') as object
    expect(await compareObjects(before, after, '/x')).toEqual([
      { pointer: '/x/__proto__', change: 'changed', before: 1, after: 2 },
      { pointer: '/x/constructor', change: 'removed', before: { name: 1 } },
      { pointer: '/x/toString', change: 'added', after: 1 },
    ])
  })
})
