import { checkAgentConfig } from './check-agent-config.ts'
import { isObject, type AgentConfig, type AgentNode, type RegisteredAgent } from './definition.ts'
import type { Findings } from './findings.ts'
import type { Surroundings } from './resolve.ts'
import { recordTool } from '../tools/discover.ts'

/** Fills in what agents leave to the registered ones and to the models of this server. */
export class AgentResolver {
  readonly #findings: Findings
  readonly #surroundings: Surroundings
  readonly #registered: Map<string, RegisteredAgent>
  /** Ids of registered agents → the nodes that use them. */
  readonly users = new Map<string, string[]>()

  constructor(surroundings: Surroundings, findings: Findings) {
    this.#surroundings = surroundings
    this.#findings = findings
    this.#registered = new Map(surroundings.agents.flatMap((agent) => [[agent.name, agent] as const, [agent.agent_id, agent] as const]))
  }

  /** @param pointer of the node @param configPointer of what it says about itself */
  resolve(id: string, node: Record<string, unknown>, pointer: string, configPointer = `${pointer}/config`): AgentNode | undefined {
    const own = node['config'] ?? {}
    if (!isObject(own)) return this.#findings.problem(configPointer, 'wrong_type', `The config of agent '${id}' must be an object.`)
    const registered = this.#findRegistered(node, id, pointer)
    const config: AgentConfig = { ...registered?.config, ...withoutNulls(own) }
    for (const issue of checkAgentConfig(config, `/configuration${configPointer}`)) this.#findings.add(issue)
    this.#resolveModel(config, id, configPointer)
    this.#recordTools(config, configPointer)
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
      return this.#findings.problem(`${pointer}/agent_type`, 'wrong_type', `The agent_type of agent '${id}' must be a string.`)
    }
    // Without a type, an id that is a registered agent's stands for that agent.
    const registered = this.#registered.get(type ?? id)
    if (registered) {
      this.users.set(registered.agent_id, [...(this.users.get(registered.agent_id) ?? []), id])
      if (!registered.available_for_deployment) {
        this.#findings.problem(
          `${pointer}/agent_type`,
          'agent_not_available',
          `Agent '${registered.name}' has available_for_deployment: false. Set it to true, or use another agent.`,
        )
      }
    } else if (type) {
      this.#findings.warn(
        `${pointer}/agent_type`,
        'agent_not_registered',
        `No agent is registered as '${type}'; agent '${id}' is made of its config alone.`,
      )
    }
    return registered
  }

  /** A release holds what the tools of other servers were when it was made. */
  #recordTools(config: AgentConfig, configPointer: string): void {
    if (!Array.isArray(config.tools)) return
    config.tools = config.tools.map((given, index) => {
      const { item, problem } = recordTool(given, this.#surroundings.discovered ?? new Map())
      const pointer = `${configPointer}/tools/${index}`
      if (problem) {
        const { code, message } = problem
        if (code === 'tools_not_listed') this.#findings.warn(pointer, code, message)
        else this.#findings.problem(pointer, code, message)
      }
      return item
    })
  }

  #resolveModel(config: AgentConfig, id: string, configPointer: string): void {
    const asked = config.model
    if (asked !== undefined && typeof asked !== 'string') return
    if (config.base_url !== undefined) return this.#nameModelOfServer(config, id, configPointer)
    const info = this.#surroundings.resolveModel(asked ?? this.#surroundings.defaultModel)
    if (!asked) {
      this.#findings.warn(
        configPointer,
        'default_model',
        `Agent '${id}' names no model, so it runs on the default, ${this.#surroundings.defaultModel}.`,
      )
    }
    if (!info) {
      this.#findings.problem(
        `${configPointer}/model`,
        'unknown_model',
        `No provider is known for model '${asked}' of agent '${id}'. Write it as provider/model, with openai, anthropic, google, ollama or demo.`,
      )
      return
    }
    // The agent may name a secret of its own as the key.
    if (info.missing && !(info.missing === info.keyName && config.api_key !== undefined)) {
      const where =
        info.missing === info.keyName ? 'neither an environment variable of the server nor a secret of the environment' : 'not set'
      this.#findings.warn(
        `${configPointer}/model`,
        'model_not_configured',
        `Model '${info.model}' of agent '${id}' needs ${info.missing}, which is ${where}; executions will fail until it is there.`,
      )
    }
    config.model = info.model
  }

  /** On a server that the agent names it is called as that server calls it, whatever provider it looks like here. */
  #nameModelOfServer(config: AgentConfig, id: string, configPointer: string): void {
    const name = config.model?.replace(/^openai\//, '').trim()
    if (name) config.model = `openai/${name}`
    else
      this.#findings.problem(
        `${configPointer}/model`,
        'required',
        `Agent '${id}' names a base_url, so it needs the 'model' on that server.`,
      )
  }
}

/** In an agent's config `null` is what an editor sends for an empty field. */
function withoutNulls(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}
