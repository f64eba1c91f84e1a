import type { ModelSettings } from '../models/model.ts'
import { compileDataSchema, type DataSchema } from '../data-schema/data-schema.ts'
import { findBodies, type Bodies } from './bodies.ts'
import type { AgentNode, Definition, StepNode } from './definition.ts'
import { compileTools } from '../tools/compile-tools.ts'
import type { Tool } from '../tools/tool.ts'
import type { AgentLimits } from './agent-limits.ts'
import { ERROR, FlowGraph, type FlowEdge } from './flow-graph.ts'
import { groupHandoffs } from './handoff-groups.ts'
import { TemplateCompiler } from './step-compiler.ts'
import type { Condition, StepKinds, StepProgram, Text } from './step-kind.ts'

/** An agent, ready to run. */
export interface PlannedAgent {
  id: string
  /** For people and for the models that may call it. */
  name: string
  description: string
  model: string
  system: Text | string | undefined
  /** What it is asked; without it the query, and what the nodes before it gave. */
  prompt: Text | undefined
  settings: ModelSettings
  api: 'chat' | 'responses' | undefined
  /** The secret that its model is called with: `{{ secrets.NAME }}`. */
  apiKey: string | undefined
  /** The server that its model is on, where the agent names one. */
  baseUrl: string | undefined
  /** Counts where it is lower than the runtime configuration's. */
  maxRetries: number | undefined
  /** The agents that it may call as tools, by the name that the model calls them by. */
  tools: ReadonlyMap<string, PlannedAgent>
  /** Its other tools, likewise. */
  ownTools: ReadonlyMap<string, Tool>
  /** Of its tools, those that a person decides on where the tool says nothing. */
  approval: 'writes' | 'always' | 'never'
  /** Seconds until what was not decided is rejected. */
  approvalDeadline: number | undefined
  limits: AgentLimits
  /** What its answer must look like. */
  outputSchema: DataSchema | undefined
  /** The agents that it may hand over to, likewise. */
  handoffs: ReadonlyMap<string, PlannedAgent>
}

/** A node of a flow: a step, or an agent with those that it may hand over to. */
export interface PlannedUnit {
  id: string
  name: string
  /** `agent`, or the kind of the step. */
  kind: string
  /** How many edges must be decided before it runs or is skipped. */
  incoming: number
  edges: PlannedEdge[]
  agent?: PlannedAgent
  program?: StepProgram
  /** What its output must look like. */
  outputSchema?: DataSchema
  /** Where it reads whatever comes before it: the ids of that. */
  sees?: readonly string[]
  body?: Flow
  /** Whether what it fails of fails the execution: not where an `error` edge says what to do then, nor in a notification. */
  failsAlone: boolean
  handlesError: boolean
}

export interface PlannedEdge {
  to: number
  source: string
  handle: string | null
  condition?: Condition
  /** Milliseconds. */
  delay?: number
  delayId?: string
  /** Of a group of agents, the one that must have had the last word. */
  endedIn?: string
}

/** A flow, or the body of one of its steps. */
export interface Flow {
  /** None comes before one that it depends on. */
  units: readonly PlannedUnit[]
  /** Where control ends: what they give is what the flow gives. */
  sinks: readonly number[]
  /** Of a body, those that lead back to its container; else the sinks. */
  results: readonly number[]
  /** What a body reads of the nodes around it. */
  reads: readonly string[]
}

/** What the interpreter runs: immutable, made once for each definition. */
export interface Plan {
  flow: Flow
  /** What the input of an execution must look like. */
  inputSchema?: DataSchema
  readsVariables: boolean
}

/** @param definition without problems; from a release it always is */
export function compilePlan(definition: Definition, kinds: StepKinds): Plan {
  return new Planner(definition, kinds).plan()
}

class Planner {
  readonly #graph: FlowGraph
  readonly #bodies: Bodies
  readonly #entry: ReadonlyMap<string, string>
  readonly #agents: Map<string, PlannedAgent>
  readonly #steps: Map<string, StepNode>
  readonly #kinds: StepKinds
  readonly #inputSchema: unknown
  /** Agents that others may call. */
  readonly #called: ReadonlySet<string>
  /** Container, or undefined for none → the nodes that stand directly in it. */
  readonly #members = new Map<string | undefined, string[]>()
  /** What the templates of each node read of others. */
  readonly #reads = new Map<string, string[]>()
  #readsVariables = false

  constructor(definition: Definition, kinds: StepKinds) {
    this.#kinds = kinds
    this.#inputSchema = definition['input_schema']
    this.#graph = new FlowGraph(definition)
    this.#bodies = findBodies(this.#graph)
    this.#entry = groupHandoffs(this.#graph).entry
    this.#steps = new Map((definition.steps ?? []).map((step) => [step.step_id, step]))
    this.#agents = new Map(definition.agents.map((node) => [node.agent_id, this.#planAgent(node.agent_id, node)]))
    connectAgents(this.#agents, this.#graph)
    this.#called = new Set(this.#graph.tools.map((edge) => edge.target))
    const inFlow = [...this.#graph.agents.filter((id) => this.#isInFlow(id)), ...this.#graph.steps]
    for (const id of inFlow) {
      const container = this.#bodies.parent.get(id)
      const members = this.#members.get(container)
      if (members) members.push(id)
      else this.#members.set(container, [id])
    }
  }

  plan(): Plan {
    const flow = this.#planFlow(undefined)
    const inputSchema = schemaOf(this.#inputSchema)
    return { flow, ...(inputSchema && { inputSchema }), readsVariables: this.#readsVariables }
  }

  /** Not one that others call or hand over to, and nothing else leads to. */
  #isInFlow(id: string): boolean {
    if (this.#entry.get(id) !== id) return false
    return this.#graph.incoming(id).length > 0 || !this.#called.has(id)
  }

  #planFlow(container: string | undefined): Flow {
    const members = this.#members.get(container) ?? []
    const edges = this.#edgesWithin(container, new Set(members))
    const order = inOrder(members, edges)
    const indexes = new Map(order.map((id, index) => [id, index]))
    const units = order.map((id) => this.#planUnit(id))
    for (const [index, unit] of units.entries()) {
      for (const edge of edges.get(order[index]!) ?? []) {
        const to = indexes.get(this.#nodeOf(edge.target))!
        units[to]!.incoming++
        unit.edges.push(this.#planEdge(edge, to))
      }
    }
    markNotifications(units, edges, order)
    const sinks = units.flatMap((unit, index) => (isSink(unit, edges.get(unit.id) ?? []) ? [index] : []))
    const back = new Set([...this.#bodies.returns].flatMap((edge) => (edge.target === container ? [this.#nodeOf(edge.source)] : [])))
    const results = back.size > 0 ? order.flatMap((id, index) => (back.has(id) ? [index] : [])) : sinks
    const own = new Set(order)
    const reads = [...new Set(order.flatMap((id, index) => [...(this.#reads.get(id) ?? []), ...(units[index]!.body?.reads ?? [])]))]
    return { units, sinks, results, reads: reads.filter((id) => !own.has(id)) }
  }

  /** By the node that they leave, those whose ends stand in the same body. */
  #edgesWithin(container: string | undefined, members: ReadonlySet<string>): Map<string, FlowEdge[]> {
    const edges = new Map<string, FlowEdge[]>()
    for (const edge of this.#graph.edges) {
      if (this.#graph.isBodyEdge(edge) || this.#bodies.returns.has(edge)) continue
      const source = this.#nodeOf(edge.source)
      if (!members.has(source) || this.#bodies.parent.get(edge.target) !== container) continue
      const list = edges.get(source)
      if (list) list.push(edge)
      else edges.set(source, [edge])
    }
    return edges
  }

  #nodeOf(id: string): string {
    return this.#entry.get(id) ?? id
  }

  #planUnit(id: string): PlannedUnit {
    const handlesError = this.#graph.outgoing(id).some((edge) => edge.handle === ERROR)
    const common = { id, incoming: 0, edges: [], failsAlone: false, handlesError }
    const step = this.#steps.get(id)
    if (!step) return { ...common, kind: 'agent', name: this.#agents.get(id)!.name, agent: this.#agents.get(id)! }
    const name = typeof step.name === 'string' && step.name ? step.name : id
    const kind = step.step_type
    if (kind === 'agent') {
      const agent = this.#planAgent(id, { ...step.config, agent_id: id, config: step.config, name } as unknown as AgentNode)
      return { ...common, kind, name, agent }
    }
    const compiler = this.#compiler(id)
    const program = this.#kinds
      .get(kind)!
      .compile(step.config as never, compiler, { id, name, before: this.#graph.incoming(id).map((edge) => edge.source) })
    this.#noteReads(id, compiler)
    const sees = compiler.isReadingAll ? { sees: this.#before(id) } : {}
    const body = this.#graph.containers.has(id) ? { body: this.#planFlow(id) } : this.#planOther(step)
    const outputSchema = schemaOf(step.config['output_schema'])
    return { ...common, kind, name, program, ...(outputSchema && { outputSchema }), ...sees, ...body }
  }

  /** Of a step that runs another workflow. */
  #planOther({ step_type, config }: StepNode): { body?: Flow } {
    if (step_type !== 'workflow') return {}
    const { flow, readsVariables } = compilePlan(config['definition'] as Definition, this.#kinds)
    this.#readsVariables ||= readsVariables
    return { body: flow }
  }

  /** All nodes whose results there can be when it runs. */
  #before(id: string): string[] {
    const found = new Set<string>([id])
    for (const node of found) {
      for (const edge of this.#graph.incoming(node)) if (!this.#bodies.returns.has(edge)) found.add(edge.source)
    }
    found.delete(id)
    const around = new Set<string>()
    for (let at = this.#bodies.parent.get(id); at !== undefined; at = this.#bodies.parent.get(at)) around.add(at)
    const before = [...found].filter((node) => !around.has(node))
    this.#reads.set(id, [...(this.#reads.get(id) ?? []), ...before])
    return before
  }

  #planEdge({ source, handle, condition, delay, target }: FlowEdge, to: number): PlannedEdge {
    const edge: PlannedEdge = { to, source, handle }
    if (condition !== undefined) {
      const compiler = this.#compiler(source)
      edge.condition = compiler.condition(condition, '')
      this.#noteReads(source, compiler)
    }
    if (delay !== undefined) {
      edge.delay = delay * 1_000
      edge.delayId = `${source}>${target}`
    }
    if ((this.#agents.get(source)?.handoffs.size ?? 0) > 0 || this.#nodeOf(source) !== source) edge.endedIn = source
    return edge
  }

  #planAgent(id: string, node: AgentNode): PlannedAgent {
    const { config } = node
    const name = typeof node.name === 'string' && node.name ? node.name : node.agent_id
    const compiler = this.#compiler(id)
    const system = config.system_prompt
    const planned: PlannedAgent = {
      id: node.agent_id,
      name,
      description:
        typeof node.description === 'string' && node.description ? node.description : `Asks the agent '${name}', which answers in text.`,
      model: config.model!,
      system: system !== undefined && isTemplate(system) ? compiler.text(system, '/system_prompt') : system,
      prompt: config.prompt === undefined ? undefined : compiler.text(config.prompt, '/prompt'),
      settings: {
        ...(config.temperature !== undefined && { temperature: config.temperature }),
        ...(config.max_tokens !== undefined && { max_tokens: config.max_tokens }),
        ...(config.top_p !== undefined && { top_p: config.top_p }),
        ...(config.stop !== undefined && { stop: config.stop }),
      },
      api: config.api,
      apiKey: config.api_key,
      baseUrl: config.base_url,
      maxRetries: config.max_retries,
      tools: new Map(),
      ownTools: this.#planTools(id, config.tools ?? []),
      approval: config.approval ?? 'writes',
      approvalDeadline: config.approval_deadline,
      limits: config.limits ?? {},
      outputSchema: schemaOf(config['output_schema']),
      handoffs: new Map(),
    }
    this.#noteReads(id, compiler)
    return planned
  }

  #planTools(id: string, list: readonly unknown[]): Map<string, Tool> {
    const compiler = this.#compiler(id)
    const tools = compileTools(list, compiler)
    this.#noteReads(id, compiler)
    return new Map(tools.map((tool) => [tool.name, tool]))
  }

  #compiler(id: string): TemplateCompiler {
    return new TemplateCompiler('', (pointer, code, message) => {
      throw new Error(`node ${id} of a release, at ${pointer}: ${code}, ${message}`)
    })
  }

  #noteReads(id: string, { references }: TemplateCompiler): void {
    const names = references.flatMap(({ path }) => (path[0] === 'steps' && typeof path[1] === 'string' ? [path[1]] : []))
    if (names.length > 0) this.#reads.set(id, [...(this.#reads.get(id) ?? []), ...names])
    this.#readsVariables ||= references.some(({ path }) => path[0] === 'variables')
  }
}

function schemaOf(schema: unknown): DataSchema | undefined {
  if (schema === undefined || schema === null) return undefined
  const compiled = compileDataSchema(schema)
  if ('problems' in compiled) throw new Error('a schema of a release is wrong')
  return compiled
}

export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%')
}

function connectAgents(agents: ReadonlyMap<string, PlannedAgent>, graph: FlowGraph): void {
  const connected = new Set<string>()
  const connect = (edge: FlowEdge, kind: 'tools' | 'handoffs', prefix: string): void => {
    const key = JSON.stringify([kind, edge.source, edge.target])
    if (connected.has(key)) return
    connected.add(key)
    const source = agents.get(edge.source)!
    const agent = agents.get(edge.target)!
    ;(source[kind] as Map<string, PlannedAgent>).set(
      nameTool(`${prefix}${agent.id}`, [source.tools, source.handoffs, source.ownTools]),
      agent,
    )
  }
  for (const edge of graph.tools) connect(edge, 'tools', '')
  for (const edge of graph.handoffs) connect(edge, 'handoffs', 'transfer_to_')
}

/** Providers allow letters, digits, `_` and `-`, at most 64 of them, in the name of a tool. */
function nameTool(text: string, taken: readonly ReadonlyMap<string, unknown>[]): string {
  const base = text.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}_${number}`
    if (!taken.some((names) => names.has(name))) return name
  }
}

/** Each after those that it depends on, else as they came. */
function inOrder(members: readonly string[], edges: ReadonlyMap<string, readonly FlowEdge[]>): string[] {
  const waiting = new Map(members.map((id) => [id, 0]))
  for (const list of edges.values()) for (const { target } of list) waiting.set(target, (waiting.get(target) ?? 0) + 1)
  const order = members.filter((id) => waiting.get(id) === 0)
  for (const id of order) {
    for (const { target } of edges.get(id) ?? []) {
      const left = waiting.get(target)! - 1
      waiting.set(target, left)
      if (left === 0) order.push(target)
    }
  }
  return order
}

/** What is reached by notifications alone is not waited for by anything that could fail of it. */
function markNotifications(units: readonly PlannedUnit[], edges: ReadonlyMap<string, readonly FlowEdge[]>, order: readonly string[]): void {
  const others = units.map(() => 0)
  for (const [index, unit] of units.entries()) {
    unit.failsAlone = unit.incoming > 0 && others[index] === 0
    for (const [place, edge] of (edges.get(order[index]!) ?? []).entries()) {
      if (edge.type !== 'notification' && !unit.failsAlone) others[unit.edges[place]!.to]!++
    }
  }
}

function isSink(unit: PlannedUnit, edges: readonly FlowEdge[]): boolean {
  return !unit.failsAlone && edges.every((edge) => edge.type === 'notification' || edge.handle === ERROR)
}
