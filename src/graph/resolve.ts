import type { Issue, Warning } from '../errors.ts'
import { limitIssues } from '../limit-issues.ts'
import type { ModelInfo } from '../models/model.ts'
import { checkFlow, type CheckedNode } from './check-flow.ts'
import { isObject, type AgentNode, type Connection, type Definition, type RegisteredAgent, type StepNode } from './definition.ts'
import { compileTools } from '../tools/compile-tools.ts'
import type { Discovered } from '../tools/discover.ts'
import { Findings, MOST_PROBLEMS } from './findings.ts'
import { isTemplate } from './plan.ts'
import { AgentResolver } from './resolve-agents.ts'
import { ConnectionResolver } from './resolve-connections.ts'
import { StepResolver } from './resolve-steps.ts'
import { checkConfig } from './check-config.ts'
import { compileSchema } from './compile-schema.ts'
import { TemplateCompiler } from './step-compiler.ts'
import type { StepKinds } from './step-kind.ts'

export interface Surroundings {
  agents: readonly RegisteredAgent[]
  defaultModel: string
  resolveModel: (name: string) => ModelInfo | undefined
  kinds: StepKinds
  /** The tools that other servers have. */
  discovered?: Discovered
  /** The workflows that steps of this one run, by the place of the step. */
  others?: ReadonlyMap<number, OtherWorkflow>
}

/** A workflow that is run as a step: what it is at the moment, or why it cannot be run. */
export type OtherWorkflow = { definition: Definition } | { code: string; message: string }

export interface Resolution {
  /** Meaningful only where `problems` is empty. */
  definition: Definition
  /** Every problem at once; pointers are into the workflow: `/configuration/…`. */
  problems: Issue[]
  warnings: Warning[]
}

/** Checks a configuration and fills in what it leaves to its surroundings. */
export function resolveDefinition(configuration: unknown, surroundings: Surroundings): Resolution {
  const resolver = new Resolver(surroundings)
  const definition = resolver.resolve(isObject(configuration) ? configuration : {})
  const { problems, warnings } = resolver.findings
  return { definition, problems: limitIssues(problems, MOST_PROBLEMS), warnings }
}

class Resolver {
  readonly findings = new Findings()
  readonly #agents: AgentResolver
  readonly #steps: StepResolver
  readonly #kinds: StepKinds
  readonly #others: ReadonlyMap<number, OtherWorkflow>
  /** By node id; an id that stands twice is a problem. */
  readonly #nodes = new Map<string, CheckedNode>()
  readonly #agentIds = new Set<string>()
  #hasDuplicates = false

  constructor(surroundings: Surroundings) {
    this.#agents = new AgentResolver(surroundings, this.findings)
    this.#steps = new StepResolver(surroundings.kinds, this.findings)
    this.#kinds = surroundings.kinds
    this.#others = surroundings.others ?? new Map()
  }

  resolve(configuration: Record<string, unknown>): Definition {
    const agents = this.findings.list(configuration, 'agents').flatMap(([value, index]) => this.#resolveAgent(value, index) ?? [])
    const steps = this.findings.list(configuration, 'steps').flatMap(([value, index]) => this.#resolveStep(value, index) ?? [])
    const input = compileSchema(configuration['input_schema'], '/input_schema', this.findings)
    this.#checkDependencies(steps)
    const resolver = new ConnectionResolver(
      { isNode: (id) => this.#nodes.has(id), isAgent: (id) => this.#agentIds.has(id), users: this.#agents.users },
      this.findings,
    )
    const connections = this.findings.list(configuration, 'connections').flatMap(([value, index]) => resolver.resolve(value, index) ?? [])
    const definition = { ...configuration, agents, ...(configuration['steps'] !== undefined && { steps }), connections }
    this.#checkConditions(connections)
    // Ids that stand twice make another graph than was meant.
    if (!this.#hasDuplicates) checkFlow(definition, { nodes: this.#nodes, input, isWhole: this.findings.count === 0 }, this.findings)
    return definition
  }

  #resolveAgent(value: unknown, index: number): AgentNode | undefined {
    const pointer = `/agents/${index}`
    if (!isObject(value)) return this.findings.problem(pointer, 'wrong_type', `Agent ${index} must be an object.`)
    const { position: _position, ...node } = value
    const id = node['agent_id']
    if (typeof id !== 'string' || id === '') {
      return this.findings.problem(
        `${pointer}/agent_id`,
        'required',
        `Agent ${index} needs an 'agent_id', which names it within this workflow.`,
      )
    }
    const agent = this.#agents.resolve(id, node, pointer)
    const references = agent ? this.#readAgent(agent, `${pointer}/config`) : []
    const output = compileSchema(agent?.config['output_schema'], `${pointer}/config/output_schema`, this.findings)
    if (this.#introduce(id, `${pointer}/agent_id`, { pointer, references, output })) this.#agentIds.add(id)
    return agent
  }

  /** What its prompts read. */
  #readAgent({ config }: Pick<AgentNode, 'config'>, pointer: string): CheckedNode['references'] {
    const compiler = this.#compiler(pointer)
    const { system_prompt, prompt } = config
    if (typeof system_prompt === 'string' && isTemplate(system_prompt)) compiler.text(system_prompt, '/system_prompt')
    if (typeof prompt === 'string') compiler.text(prompt, '/prompt')
    return [...compiler.references, ...this.#readTools(config.tools, pointer)]
  }

  #readTools(tools: unknown, pointer: string): CheckedNode['references'] {
    if (!Array.isArray(tools)) return []
    const compiler = this.#compiler(`${pointer}/tools`)
    compileTools(tools, compiler)
    return compiler.references
  }

  #resolveStep(value: unknown, index: number): StepNode | undefined {
    const step = this.#steps.resolve(value, index)
    if (!step) return undefined
    const pointer = `/steps/${index}`
    const before = this.findings.count
    const resolved = this.#resolveStepConfig(step, index, pointer)
    const compiler = this.#compiler(`${pointer}/config`)
    let handles: readonly string[] | undefined
    if (resolved.step_type === 'agent') compiler.references.push(...this.#readAgent(resolved as never, `${pointer}/config`))
    else if (this.findings.count === before) handles = this.#compileStep(resolved, compiler)
    const output = compileSchema(resolved.config['output_schema'], `${pointer}/config/output_schema`, this.findings)
    this.#introduce(step.step_id, `${pointer}/step_id`, { pointer, references: compiler.references, handles, output })
    return resolved
  }

  #resolveStepConfig(step: StepNode, index: number, pointer: string): StepNode {
    if (step.step_type === 'agent') return this.#resolveAgentStep(step, pointer)
    if (step.step_type !== 'workflow') return step
    const other = this.#others.get(index) ?? { code: 'unknown_workflow', message: `Step '${step.step_id}' names no workflow to run.` }
    if ('definition' in other) return { ...step, config: { ...step.config, definition: other.definition } }
    const { code, message } = other
    this.findings.problem(`${pointer}/config`, code, message)
    return step
  }

  /** An agent that control reaches by a step: it is resolved as one of `agents` is. */
  #resolveAgentStep(step: StepNode, pointer: string): StepNode {
    const { agent_type, agent_id, agent } = step.config
    const type = agent_type ?? agent_id ?? agent
    const node = { ...(type !== undefined && { agent_type: type }), name: step.name, config: step.config }
    const resolved = this.#agents.resolve(step.step_id, node, `${pointer}/config`, `${pointer}/config`)
    return resolved
      ? { ...step, config: { ...resolved.config, ...(resolved.description ? { description: resolved.description } : {}) } }
      : step
  }

  #compileStep(step: StepNode, compiler: TemplateCompiler): readonly string[] | undefined {
    const kind = this.#kinds.get(step.step_type)
    if (!kind) return undefined
    const issues = checkConfig(kind, step.config)
    for (const { pointer, code, message } of issues) compiler.problem(pointer, code, message)
    if (issues.length > 0) return undefined
    const program = kind.compile(step.config as never, compiler, { id: step.step_id, name: step.step_id, before: [] })
    return 'ways' in program ? program.ways?.names : undefined
  }

  #compiler(pointer: string): TemplateCompiler {
    return new TemplateCompiler(pointer, (place, code, message) => this.findings.problem(place, code, message))
  }

  /** @returns whether the id is new */
  #introduce(id: string, pointer: string, node: CheckedNode): boolean {
    // In an object it would be no name of its own.
    if (id === '__proto__') this.findings.problem(pointer, 'name_taken', `A node cannot have the id '${id}'.`)
    const first = this.#nodes.get(id)
    if (!first) {
      this.#nodes.set(id, node)
      return true
    }
    this.#hasDuplicates = true
    const place = first.pointer.slice(1).replace('/', ' ').replace('agents', 'agent').replace('steps', 'step')
    this.findings.problem(pointer, 'duplicate_node_id', `Two nodes have the id '${id}'; the first is ${place}.`)
    return false
  }

  #checkDependencies(steps: readonly StepNode[]): void {
    for (const { step_id, dependencies = [] } of steps) {
      for (const [index, dependency] of dependencies.entries()) {
        if (typeof dependency === 'string' && this.#nodes.has(dependency)) continue
        const message = `Step '${step_id}' depends on ${JSON.stringify(dependency)}, which is no node of this workflow.`
        this.findings.problem(`${this.#nodes.get(step_id)!.pointer}/dependencies/${index}`, 'unknown_node', message)
      }
    }
  }

  /** What a condition reads, its source must have come after. */
  #checkConditions(connections: readonly Connection[]): void {
    for (const [index, connection] of connections.entries()) {
      const expression = isObject(connection['conditions']) ? connection['conditions']['expression'] : undefined
      if (connection.connection_type !== 'conditional' || typeof expression !== 'string') continue
      const compiler = this.#compiler(`/connections/${index}/conditions`)
      compiler.condition(expression, '/expression')
      const source = String(connection.source_step_id ?? connection.source_agent_id)
      // It may read its source itself.
      const others = compiler.references.filter(({ path }) => path[0] !== 'steps' || path[1] !== source)
      this.#nodes.get(source)!.references.push(...others)
    }
  }
}
