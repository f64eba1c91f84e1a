import type { Issue, Warning } from '../errors.ts'
import { limitIssues } from '../limit-issues.ts'
import type { ModelInfo } from '../models/model.ts'
import { checkAgentConfig } from './check-agent-config.ts'
import { findCycle, findLeads } from './shape.ts'
import { endOf, isObject, type AgentConfig, type AgentNode, type Connection, type Definition, type RegisteredAgent } from './definition.ts'

export interface Surroundings {
  agents: readonly RegisteredAgent[]
  defaultModel: string
  resolveModel: (name: string) => ModelInfo | undefined
}

export interface Resolution {
  /** Meaningful only where `problems` is empty. */
  definition: Definition
  /** Every problem at once; pointers are into the workflow: `/configuration/…`. */
  problems: Issue[]
  warnings: Warning[]
}

/** Problems of a workflow that an answer lists at most: a graph has more places than a request. */
const MAX_PROBLEMS = 1_000

/** Checks a configuration and fills in what it leaves to its surroundings. */
export function resolveDefinition(configuration: unknown, surroundings: Surroundings): Resolution {
  const resolver = new Resolver(surroundings)
  const definition = resolver.resolve(isObject(configuration) ? configuration : {})
  return { definition, problems: limitIssues(resolver.problems, MAX_PROBLEMS), warnings: resolver.warnings }
}

class Resolver {
  readonly problems: Issue[] = []
  readonly warnings: Warning[] = []
  readonly #surroundings: Surroundings
  readonly #registered: Map<string, RegisteredAgent>
  /** Node ids, each with the nodes' places; more than one place is a problem. */
  readonly #places = new Map<string, number[]>()
  /** Ids of registered agents → the nodes that use them. */
  readonly #users = new Map<string, string[]>()

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
    this.#registered = new Map(surroundings.agents.flatMap((agent) => [[agent.name, agent] as const, [agent.agent_id, agent] as const]))
  }

  resolve(configuration: Record<string, unknown>): Definition {
    const agents = this.#list(configuration, 'agents').flatMap(([value, index]) => this.#resolveAgent(value, index) ?? [])
    this.#refuseSteps(configuration)
    this.#reportDuplicates()
    const connections = this.#list(configuration, 'connections').flatMap(([value, index]) => this.#resolveConnection(value, index) ?? [])
    if (this.problems.length === 0) this.#checkShape(agents, connections)
    return { ...configuration, agents, connections }
  }

  #problem(pointer: string, code: string, message: string): undefined {
    this.problems.push({ pointer: `/configuration${pointer}`, code, message })
  }

  #warn(pointer: string, code: string, message: string): void {
    this.warnings.push({ code, message, pointer: `/configuration${pointer}` })
  }

  #list(configuration: Record<string, unknown>, key: string): [unknown, number][] {
    const value = configuration[key] ?? []
    if (Array.isArray(value)) return value.map((item, index) => [item, index])
    this.#problem(`/${key}`, 'wrong_type', `'${key}' must be a list.`)
    return []
  }

  #resolveAgent(value: unknown, index: number): AgentNode | undefined {
    const pointer = `/agents/${index}`
    if (!isObject(value)) return this.#problem(pointer, 'wrong_type', `Agent ${index} must be an object.`)
    const { position: _position, ...node } = value
    const id = node['agent_id']
    if (typeof id !== 'string' || id === '') {
      return this.#problem(`${pointer}/agent_id`, 'required', `Agent ${index} needs an 'agent_id', which names it within this workflow.`)
    }
    this.#places.set(id, [...(this.#places.get(id) ?? []), index])
    const own = node['config'] ?? {}
    if (!isObject(own)) return this.#problem(`${pointer}/config`, 'wrong_type', `The config of agent '${id}' must be an object.`)
    const registered = this.#findRegistered(node, id, pointer)
    const config: AgentConfig = { ...registered?.config, ...withoutNulls(own) }
    this.problems.push(...checkAgentConfig(config, `/configuration${pointer}/config`))
    this.#resolveModel(config, id, pointer)
    if (Array.isArray(config.tools) && config.tools.length > 0) {
      this.#warn(
        `${pointer}/config/tools`,
        'tools_unavailable',
        `Agent '${id}' runs without its tools: this server has no tools yet but the agents that it is connected to.`,
      )
    }
    return {
      ...node,
      agent_id: id,
      ...(registered ? { agent_type: registered.name, description: node['description'] ?? registered.description ?? '' } : {}),
      config,
    } as AgentNode
  }

  #findRegistered(node: Record<string, unknown>, id: string, pointer: string): RegisteredAgent | undefined {
    const type = node['agent_type']
    if (type !== undefined && type !== null && typeof type !== 'string') {
      return this.#problem(`${pointer}/agent_type`, 'wrong_type', `The agent_type of agent '${id}' must be a string.`)
    }
    // Without a type, an id that is a registered agent's stands for that agent.
    const registered = this.#registered.get(type ?? id)
    if (registered) {
      this.#users.set(registered.agent_id, [...(this.#users.get(registered.agent_id) ?? []), id])
      if (!registered.available_for_deployment) {
        this.#problem(
          `${pointer}/agent_type`,
          'agent_not_available',
          `Agent '${registered.name}' has available_for_deployment: false. Set it to true, or use another agent.`,
        )
      }
    } else if (type) {
      this.#warn(
        `${pointer}/agent_type`,
        'agent_not_registered',
        `No agent is registered as '${type}'; agent '${id}' is made of its config alone.`,
      )
    }
    return registered
  }

  #resolveModel(config: AgentConfig, id: string, pointer: string): void {
    const asked = config.model
    if (asked !== undefined && typeof asked !== 'string') return
    const info = this.#surroundings.resolveModel(asked ?? this.#surroundings.defaultModel)
    if (!asked) {
      this.#warn(
        `${pointer}/config`,
        'default_model',
        `Agent '${id}' names no model, so it runs on the default, ${this.#surroundings.defaultModel}.`,
      )
    }
    if (!info) {
      this.#problem(
        `${pointer}/config/model`,
        'unknown_model',
        `No provider is known for model '${asked}' of agent '${id}'. Write it as provider/model, with openai, anthropic, google, ollama or demo.`,
      )
      return
    }
    if (info.missing) {
      this.#warn(
        `${pointer}/config/model`,
        'model_not_configured',
        `Model '${info.model}' of agent '${id}' needs the environment variable ${info.missing}, which is not set; executions will fail until it is.`,
      )
    }
    config.model = info.model
  }

  /** Step kinds come with a later version; running a workflow without its steps would be wrong in silence. */
  #refuseSteps(configuration: Record<string, unknown>): void {
    for (const [value, index] of this.#list(configuration, 'steps')) {
      const kind = isObject(value) && typeof value['step_type'] === 'string' ? value['step_type'] : 'unknown'
      this.#problem(
        `/steps/${index}`,
        'unsupported_step_type',
        `This server cannot run steps of type '${kind}' yet. Only agents can be deployed.`,
      )
    }
  }

  #reportDuplicates(): void {
    for (const [id, places] of this.#places) {
      for (const index of places.slice(1)) {
        this.#problem(`/agents/${index}/agent_id`, 'duplicate_node_id', `Two nodes have the id '${id}'; the first is agent ${places[0]}.`)
      }
    }
  }

  #resolveConnection(value: unknown, index: number): Connection | undefined {
    const pointer = `/connections/${index}`
    if (!isObject(value)) return this.#problem(pointer, 'wrong_type', `Connection ${index} must be an object.`)
    const type = value['connection_type'] ?? 'default'
    if (type !== 'default') {
      return this.#problem(
        `${pointer}/connection_type`,
        'unsupported_connection_type',
        `This server cannot run connections of type ${JSON.stringify(type)} yet, only of type "default".`,
      )
    }
    const source = this.#resolveEnd(value, 'source', index)
    const target = this.#resolveEnd(value, 'target', index)
    if (source === undefined || target === undefined) return undefined
    return { ...value, source_agent_id: source, target_agent_id: target, connection_type: type }
  }

  /** An end is a node's id, or the id of a registered agent that exactly one node uses. */
  #resolveEnd(connection: Record<string, unknown>, end: 'source' | 'target', index: number): string | undefined {
    const { key, id } = endOf(connection, end)
    const pointer = `/connections/${index}/${key}`
    if (typeof id !== 'string' || id === '') return this.#problem(pointer, 'required', `Connection ${index} needs a ${key}.`)
    if (this.#places.has(id)) return id
    const users = this.#users.get(id) ?? []
    if (users.length === 1) return users[0]
    if (users.length > 1)
      return this.#problem(pointer, 'ambiguous_node', `'${id}' is used by ${users.length} nodes (${users.join(', ')}); name one of them.`)
    return this.#problem(
      pointer,
      'unknown_node',
      `Connection ${index} leads ${end === 'source' ? 'from' : 'to'} '${id}', which is no node of this workflow.`,
    )
  }

  #checkShape(agents: AgentNode[], connections: Connection[]): void {
    if (agents.length === 0) return this.#problem('', 'nothing_to_run', 'The workflow has nothing to run. Give it at least one agent.')
    const cycle = findCycle(connections)
    if (cycle) {
      return this.#problem(
        `/connections/${cycle.connection}`,
        'cycle',
        `The connections form a cycle: ${cycle.path.join(' → ')}. Remove one of them.`,
      )
    }
    const [, ...others] = findLeads(agents, connections)
    for (const id of others) {
      this.#problem(
        `/agents/${this.#places.get(id)![0]}`,
        'several_leads',
        `Several agents have no incoming connection; '${id}' is one too many. Exactly one agent leads, the others are connected to it.`,
      )
    }
  }
}

/** In an agent's config `null` is what an editor sends for an empty field. */
function withoutNulls(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}
