import { Nullable } from '../http/fields.ts'
import { Type } from '../http/type.ts'

const JsonSchema = Type.Unsafe<Record<string, unknown>>({ type: 'object', description: 'A JSON Schema.' })

export const ToolSource = Type.Object(
  {
    type: Type.Enum(['builtin', 'http', 'openapi', 'mcp']),
    url: Type.Optional(Type.String({ description: 'Of a tool on another server, as its agent’s config has it.' })),
    server: Type.Optional(Type.String({ description: 'Of an MCP server that the operator lists: its name.' })),
  },
  { description: 'Where it comes from.' },
)

export const ToolEntry = Type.Object(
  {
    name: Type.String({ description: 'As a model calls it.' }),
    description: Type.String({ description: 'What models are told of it.' }),
    source: ToolSource,
    parameters: JsonSchema,
    access: Type.Enum(['read', 'write'], {
      description: '`write`: a call may change something, so a person approves it, unless the agent’s config says otherwise.',
    }),
  },
  { title: 'Tool' },
)

export const AgentTool = Type.Object(
  {
    agent_id: Type.String({ description: 'The node whose agent has it.' }),
    ...ToolEntry.properties,
    approval: Type.Enum(['never', 'always', 'writes'], { description: 'Which of its calls wait for a person.' }),
  },
  { title: 'Tool of an agent' },
)

export const ToolSort = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    description: Type.String(),
    schema: JsonSchema,
  },
  { title: 'Sort of tool', description: 'What stands in the `tools` of an agent’s config.' },
)

const serverFields = {
  name: Type.String({ description: 'What an agent’s config calls it: `{"type": "mcp", "server": name, …}`.' }),
  status: Type.Enum(['idle', 'starting', 'running', 'failed'], { description: '`idle`: it is started when it is first used.' }),
  failure: Nullable(Type.String({ description: 'Why it could not be started, or asked.' })),
}

export const McpServer = Type.Object(serverFields, { title: 'MCP server of this machine' })
export const McpServerDetail = Type.Object(
  { ...serverFields, tools: Type.Array(ToolEntry) },
  { title: 'MCP server of this machine, with its tools' },
)

const Price = Type.Object({ input: Type.Number(), output: Type.Number() }, { description: 'US dollars for a million tokens.' })

export const ModelCatalogue = Type.Object(
  {
    default: Type.String({ description: 'What agents run on that name no model.' }),
    providers: Type.Array(
      Type.Object({
        provider: Type.String({ description: 'What stands before the slash: `provider/model`.' }),
        demo: Type.Boolean({ description: 'Built in: it runs without any provider, and knows nothing.' }),
        configured: Type.Boolean({ description: 'The server can call it, in every environment.' }),
        missing: Nullable(Type.String({ description: 'The environment variable that would have to be set.' })),
        secret: Nullable(Type.String({ description: 'The secret that takes the place of its key, in environments that have it.' })),
        environments_with_secret: Type.Array(Type.String(), { description: 'Of those that the key may see.' }),
        models: Type.Array(
          Type.Object({
            model: Type.String({ description: 'With `*` for all others of the provider.' }),
            price: Nullable(Price),
            price_source: Nullable(Type.Enum(['built in', 'AGENT_STUDIO_PRICES'])),
          }),
          { description: 'Those that are known by name. A provider that is not built in may have others.' },
        ),
      }),
    ),
  },
  { title: 'Models' },
)
