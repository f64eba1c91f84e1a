import { environmentsWithin, type Caller } from '../access/caller.ts'
import { named } from '../deployments/named.ts'
import { findDeployments, getDeployment } from '../deployments/repository.ts'
import { DeploymentName, EnvironmentQuery } from '../deployments/schemas.ts'
import { DeploymentNotFound, McpServerNotFound } from '../errors.ts'
import type { Definition } from '../graph/definition.ts'
import type { App } from '../http/app.ts'
import { Type } from '../http/type.ts'
import type { Price } from '../models/prices.ts'
import type { ModelProviderSettings } from '../models/providers.ts'
import type { Studio } from '../studio.ts'
import { toolTypes } from '../tools/compile-tools.ts'
import { discoverTools } from '../tools/discover.ts'
import type { LocalServers } from '../tools/mcp/local-servers.ts'
import { providerViews } from './models.ts'
import { findSecretNames } from './repository.ts'
import { AgentTool, McpServer, McpServerDetail, ModelCatalogue, ToolEntry, ToolSort } from './schemas.ts'
import { builtInTools, toolsOfDefinition, viewsOf } from './tools.ts'

export interface Catalogue extends Studio {
  settings: ModelProviderSettings
  prices: Readonly<Record<string, Price>>
}

/** What workflows can be made of: tools and models. */
export function registerCatalogueRoutes(app: App, studio: Catalogue): void {
  registerToolRoutes(app)
  registerServerRoutes(app, studio)
  registerToolsOfDeployment(app, studio)
  registerModelRoutes(app, studio)
}

const tags = ['tools and models']

function registerToolRoutes(app: App): void {
  app.get(
    '/api/tools',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listTools',
        summary: 'List the tools that are built in',
        description:
          'Those of other servers are said by the agents that have them: see the tools of a deployment, and the MCP servers of this machine.',
        tags,
        response: { 200: Type.Array(ToolEntry) },
      },
    },
    () => builtInTools(),
  )

  app.get(
    '/api/tools/types',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listToolTypes',
        summary: 'List the sorts of tools',
        description: 'Each with the JSON Schema of what stands in the `tools` of an agent’s config.',
        tags,
        response: { 200: Type.Array(ToolSort) },
      },
    },
    () => [...toolTypes.values()].map(({ type, title, description, schema }) => ({ type, title, description, schema: { ...schema } })),
  )
}

function registerServerRoutes(app: App, { outside }: Studio): void {
  const { localServers } = outside
  app.get(
    '/api/tools/servers',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listMcpServers',
        summary: 'List the MCP servers of this machine',
        description: 'Those that the operator lists in `AGENT_STUDIO_MCP_SERVERS`. None is started for this.',
        tags,
        response: { 200: Type.Array(McpServer) },
      },
    },
    () => (localServers?.names ?? []).map((name) => serverView(localServers!, name)),
  )

  app.get(
    '/api/tools/servers/:name',
    {
      // It starts a program.
      config: { scope: 'workflow:write', load: 'work' },
      schema: {
        operationId: 'getMcpServer',
        summary: 'Look at an MCP server of this machine',
        description: 'Starts it if it is not running, and asks which tools it has.',
        tags,
        params: Type.Object({ name: Type.String() }),
        response: { 200: McpServerDetail },
      },
    },
    async ({ params: { name } }) => {
      if (!localServers?.names.includes(name)) throw new McpServerNotFound({ name })
      const item = { type: 'mcp', name, server: name }
      const [found] = (await discoverTools([item], { environment: undefined, withSecrets: false }, outside)).values()
      if (!found || !('recorded' in found)) return { ...serverView(localServers, name), failure: found?.message ?? null, tools: [] }
      // Models see them under the name that an agent gives the server; here they have their own.
      const tools = viewsOf({ ...item, name: 'x', recorded: found.recorded }).map((tool) => ({ ...tool, name: tool.name.slice(2) }))
      return { ...serverView(localServers, name), tools }
    },
  )
}

function serverView(servers: LocalServers, name: string) {
  const { status, failure = null } = servers.state(name)
  return { name, status, failure }
}

function registerToolsOfDeployment(app: App, studio: Studio): void {
  const { store, journal } = studio
  app.get(
    '/api/workflows/deployments/:deployment_name/tools',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listToolsOfDeployment',
        summary: 'List the tools that the agents of a deployment have',
        description: 'Of the release that is live: what was recorded when it was made, also of OpenAPI documents and MCP servers.',
        tags,
        params: Type.Object({ deployment_name: DeploymentName }),
        querystring: EnvironmentQuery,
        response: { 200: Type.Array(AgentTool) },
      },
    },
    async ({ params, query, caller }) => {
      const { name, environments: searched } = named(studio, { caller, name: params.deployment_name, query })
      const [found] = await findDeployments(store.read, name, searched)
      const record = found && (await getDeployment(store.read, found.deployment_id))
      const definition = record && journal.definition(record.definition_digest)
      if (definition === undefined) throw new DeploymentNotFound({ name, searched: [...searched] })
      return toolsOfDefinition(JSON.parse(definition) as Definition)
    },
  )
}

function registerModelRoutes(app: App, { store, environments, settings, prices }: Catalogue): void {
  const providers = providerViews(settings, prices)
  const secrets = providers.flatMap(({ secret }) => secret ?? [])
  const withSecrets = async (caller: Caller): Promise<typeof providers> => {
    const seen = environmentsWithin(caller, environments)
    const kept = await findSecretNames(store.read, secrets, seen)
    const having = (secret: string | null): string[] =>
      seen.filter((one) => kept.some(({ name, environment }) => name === secret && environment === one))
    return providers.map((provider) => ({ ...provider, environments_with_secret: having(provider.secret) }))
  }
  app.get(
    '/api/models',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listModels',
        summary: 'List model providers, and the models that are known',
        description: 'Which providers are set up, by which variable or secret (its name, never its value), the default model, and prices.',
        tags,
        response: { 200: ModelCatalogue },
      },
    },
    async ({ caller }) => ({ default: settings.defaultModel, providers: await withSecrets(caller) }),
  )
}
