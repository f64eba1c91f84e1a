import type { ModelSettings } from '../models/model.ts'
import { compileDataSchema, type DataSchema } from '../data-schema/data-schema.ts'
import { findBodies, type Bodies } from './bodies.ts'
import type { AgentNode, Definition, StepNode } from './definition.ts'
import { compileTools } from '../tools/compile-tools.ts'
import type { Tool } from '../tools/tool.ts'
import type { AgentLimits } from './agent-limits.ts'
import { add, ERROR, FlowGraph, type FlowEdge, type Link } from './flow-graph.ts'
import { findNotifications, type Notification, type PlannedNotice } from './notifications.ts'
import { stepIdOf } from './step-id.ts'
import { TemplateCompiler } from './step-compiler.ts'
import type { Condition, StepKinds, StepProgram, Text } from './step-kind.ts'

/** An agent, ready to run. */
export interface PlannedAgent {
  id: string
  /** As it stands in the ids of steps. */
  stepId: string
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
  /** As it stands in the ids of steps. */
  stepId: string
  name: string
  /** `agent`, or the kind of the step. */
  kind: string
  /** How many edges must be decided before it runs or is skipped. */
  incoming: number
  edges: PlannedEdge[]
  /** Connections that lead back to the container whose body it stands in. */
  returns: PlannedEdge[]
  /** Connections into what is run by executions of its own. */
  notices: PlannedNotice[]
  agent?: PlannedAgent
  program?: StepProgram
  /** What its output must look like. */
  outputSchema?: DataSchema
  /** Of a step that runs another workflow: what the input of that must look like. */
  inputSchema?: DataSchema
  /** Where it, or a step in its body, reads whatever comes before it: the ids of that. Listed anew by each call, for the lists of a long chain are long. */
  sees?: () => readonly string[]
  body?: Flow
  /** Whether what it fails of fails the execution: not where an `error` edge says what to do then, nor in a notification. */
  failsAlone: boolean
  /** Of agents that hand over to each other: whether one of them does. */
  handlesError: boolean
}

export interface PlannedEdge {
  /** The place of a unit; of no meaning where it leads back to a container. */
  to: number
  source: string
  /** The source as it stands in the ids of steps. */
  stepId: string
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
  /** What a body reads of the nodes around it by name. */
  reads: readonly string[]
  /** Whether something in a body reads whatever comes before it. */
  readsAll: boolean
  /** What it starts and does not wait for. */
  notifications: readonly Notification[]
}

/** What the interpreter runs: immutable, made once for each definition. */
export interface Plan {
  flow: Flow
  /** What the input of an execution must look like. */
  inputSchema?: DataSchema
  readsVariables: boolean
  /** Why it cannot be run, which is a mistake of this server: executions fail of it. */
  fault?: unknown
}

/** The plan of a definition that none can be made of, which should not have been deployed. */
export function faultyPlan(fault: unknown): Plan {
  return { flow: { units: [], sinks: [], results: [], reads: [], readsAll: false, notifications: [] }, readsVariables: false, fault }
}

/** @param definition without problems; from a release it always is */
export function compilePlan(definition: Definition, kinds: StepKinds): Plan {
  return new Planner(definition, kinds, true).plan()
}

class Planner {
  readonly #graph: FlowGraph
  readonly #bodies: Bodies
  readonly #agents: Map<string, PlannedAgent>
  readonly #steps: Map<string, StepNode>
  readonly #kinds: StepKinds
  readonly #inputSchema: unknown
  /** Agents that others may call. */
  readonly #called: ReadonlySet<string>
  /** Container, or undefined for none → the nodes that stand directly in it. */
  readonly #members = new Map<string | undefined, string[]>()
  /** Likewise the connections between them, by the node that they leave. */
  readonly #edges = new Map<string | undefined, Map<string, FlowEdge[]>>()
  /** What the templates of each node read of others. */
  readonly #reads = new Map<string, string[]>()
  /** How often a step id of a delay has been given. */
  readonly #delays = new Map<string, number>()
  #readsVariables = false
  readonly #isOutermost: boolean

  /** @param isOutermost whether executions run it, and not a step */
  constructor(definition: Definition, kinds: StepKinds, isOutermost: boolean) {
    this.#isOutermost = isOutermost
    this.#kinds = kinds
    this.#inputSchema = definition['input_schema']
    this.#graph = new FlowGraph(definition)
    this.#bodies = findBodies(this.#graph)
    this.#steps = new Map((definition.steps ?? []).map((step) => [step.step_id, step]))
    this.#agents = new Map(definition.agents.map((node) => [node.agent_id, this.#planAgent(node.agent_id, node)]))
    connectAgents(this.#agents, this.#graph)
    this.#called = new Set(this.#graph.tools.map((edge) => edge.target))
    const inFlow = new Set([...this.#graph.agents.filter((id) => this.#isInFlow(id)), ...this.#graph.steps])
    for (const id of inFlow) add(this.#members, this.#bodies.parent.get(id), id)
    for (const edge of this.#graph.edges) {
      if (this.#graph.isBodyEdge(edge) || this.#bodies.returns.has(edge) || !inFlow.has(edge.from)) continue
      const container = this.#bodies.parent.get(edge.to)
      const within = this.#edges.get(container) ?? new Map<string, FlowEdge[]>()
      this.#edges.set(container, within)
      add(within, edge.from, edge)
    }
  }

  plan(): Plan {
    const flow = this.#planFlow(undefined)
    const inputSchema = schemaOf(this.#inputSchema)
    return { flow, ...(inputSchema && { inputSchema }), readsVariables: this.#readsVariables }
  }

  /** Not one that others call or hand over to, and nothing else leads to. */
  #isInFlow(id: string): boolean {
    return this.#graph.isNode(id) && (this.#graph.incoming(id).length > 0 || !this.#called.has(id))
  }

  #planFlow(container: string | undefined): Flow {
    const edges = this.#edges.get(container) ?? new Map<string, FlowEdge[]>()
    const members = this.#members.get(container) ?? []
    const order = inOrder(members, edges)
    if (order.length < members.length) throw new Error('the nodes of a release form a cycle')
    return this.#planNodes(order, edges, container)
  }

  /** @param entered the nodes by which a notification begins */
  #planNodes(
    all: readonly string[],
    given: ReadonlyMap<string, readonly FlowEdge[]>,
    container?: string,
    entered?: ReadonlySet<string>,
  ): Flow {
    const isAwaited = (id: string): boolean => entered?.has(id) || this.#steps.get(id)?.step_type === 'output'
    const apart = container === undefined && this.#isOutermost ? findNotifications(all, given, isAwaited) : []
    const places = new Map(apart.flatMap((nodes, place) => nodes.map((id) => [id, place] as const)))
    const order = apart.length === 0 ? all : all.filter((id) => !places.has(id))
    const edges = apart.length === 0 ? given : new Map(order.map((id) => [id, (given.get(id) ?? []).filter(({ to }) => !places.has(to))]))
    const indexes = new Map(order.map((id, index) => [id, index]))
    const units = order.map((id) => this.#planUnit(id))
    for (const [index, unit] of units.entries()) {
      for (const edge of edges.get(order[index]!) ?? []) {
        const to = indexes.get(edge.to)!
        units[to]!.incoming++
        unit.edges.push(this.#planEdge(edge, to, unit))
      }
    }
    const notifications = this.#planNotifications(apart, places, units, given)
    markNotifications(units, edges, order)
    const sinks = units.flatMap((unit, index) => (isSink(unit, edges.get(unit.id) ?? []) ? [index] : []))
    const back = container === undefined ? [] : (this.#bodies.returnsTo.get(container) ?? [])
    for (const edge of back) {
      const unit = units[indexes.get(edge.from)!]!
      unit.returns.push(this.#planEdge(edge, -1, unit))
    }
    const results = back.length > 0 ? units.flatMap((unit, index) => (unit.returns.length > 0 ? [index] : [])) : sinks
    const reads = container === undefined && !entered ? { reads: [], readsAll: false } : this.#readsOf(units, notifications)
    return { units, sinks, results, ...reads, notifications }
  }

  #planNotifications(
    apart: readonly (readonly string[])[],
    places: ReadonlyMap<string, number>,
    units: readonly PlannedUnit[],
    edges: ReadonlyMap<string, readonly FlowEdge[]>,
  ): Notification[] {
    const into = apart.map(() => [] as FlowEdge[])
    for (const unit of units) {
      for (const edge of edges.get(unit.id) ?? []) {
        const to = places.get(edge.to)
        if (to === undefined) continue
        into[to]!.push(edge)
        unit.notices.push({ to, target: edge.to, edge: this.#planEdge(edge, -1, unit) })
      }
    }
    return apart.map((nodes, place) => {
      const entered = new Set(into[place]!.map(({ to }) => to))
      const flow = this.#planNodes(nodes, edges, undefined, entered)
      const [first] = flow.units
      const reads = (): string[] => [...flow.reads, ...(flow.readsAll ? nodes.flatMap((id) => this.#before(id)) : [])]
      const { id, stepId, name } = first!
      return { id, stepId: `>${stepId}`, name, incoming: into[place]!.length, flow, reads }
    })
  }

  /** What a body needs of the nodes around it, also for the agents that its agents call and hand over to. */
  #readsOf(units: readonly PlannedUnit[], notifications: readonly Notification[]): Pick<Flow, 'reads' | 'readsAll'> {
    const own = new Set(units.map((unit) => unit.id))
    const agents = new Set(units.flatMap((unit) => unit.agent ?? []))
    for (const agent of agents) for (const list of [agent.tools, agent.handoffs]) for (const other of list.values()) agents.add(other)
    const readers = new Set([...own, ...[...agents].map((agent) => agent.id)])
    const found = [
      ...[...readers].flatMap((id) => this.#reads.get(id) ?? []),
      ...[...units.map(({ body }) => body), ...notifications.map(({ flow }) => flow)].flatMap((flow) => flow?.reads ?? []),
    ]
    return {
      reads: [...new Set(found)].filter((id) => !own.has(id)),
      readsAll: units.some((unit) => unit.sees !== undefined) || notifications.some(({ flow }) => flow.readsAll),
    }
  }

  #planUnit(id: string): PlannedUnit {
    const handlesError = this.#graph.outgoing(id).some((edge) => edge.handle === ERROR)
    const common = { id, stepId: stepIdOf(id), incoming: 0, edges: [], returns: [], notices: [], failsAlone: false, handlesError }
    const step = this.#steps.get(id)
    if (!step) return { ...common, kind: 'agent', name: this.#agents.get(id)!.name, agent: this.#agents.get(id)! }
    const name = typeof step.name === 'string' && step.name ? step.name : id
    const kind = step.step_type
    if (kind === 'agent') {
      const agent = this.#planAgent(id, { ...step.config, agent_id: id, config: step.config, name } as unknown as AgentNode)
      return { ...common, kind, name, agent }
    }
    const compiler = this.#compiler(id)
    const program = this.#kinds.get(kind)!.compile(step.config as never, compiler, { id, name, before: this.#sourcesOf(id) })
    this.#noteReads(id, compiler)
    const body = this.#graph.containers.has(id) ? { body: this.#planFlow(id) } : this.#planOther(step)
    const sees = compiler.isReadingAll || body.body?.readsAll ? { sees: () => this.#before(id) } : {}
    const outputSchema = schemaOf(step.config['output_schema'])
    return { ...common, kind, name, program, ...(outputSchema && { outputSchema }), ...sees, ...body }
  }

  /** Of a step that runs another workflow. */
  #planOther({ step_type, config }: StepNode): Partial<Pick<PlannedUnit, 'body' | 'inputSchema'>> {
    if (step_type !== 'workflow') return {}
    const { flow, inputSchema, readsVariables } = new Planner(config['definition'] as Definition, this.#kinds, false).plan()
    this.#readsVariables ||= readsVariables
    return { body: flow, ...(inputSchema && { inputSchema }) }
  }

  /** The nodes that lead to it, each once. */
  #sourcesOf(id: string): string[] {
    return [...new Set(this.#graph.incoming(id).flatMap((edge) => (this.#bodies.returns.has(edge) ? [] : [edge.from])))]
  }

  /** All nodes whose results there can be when it runs. */
  #before(id: string): string[] {
    const found = new Set<string>([id])
    for (const node of found) {
      for (const edge of this.#graph.incoming(this.#graph.nodeOf(node))) {
        if (!this.#bodies.returns.has(edge)) found.add(edge.from).add(edge.source)
      }
    }
    found.delete(id)
    for (let at = this.#bodies.parent.get(id); at !== undefined; at = this.#bodies.parent.get(at)) found.delete(at)
    return [...found]
  }

  #planEdge(given: FlowEdge, to: number, { program }: PlannedUnit): PlannedEdge {
    const { source, target, condition, delay } = given
    // Editors put names there as well that no node has.
    const handle = given.handle === ERROR || (program && 'ways' in program && program.ways) ? given.handle : null
    const edge: PlannedEdge = { to, source, stepId: stepIdOf(source), handle }
    if (condition !== undefined) {
      const compiler = this.#compiler(source)
      edge.condition = compiler.condition(condition, '')
      this.#noteReads(source, compiler)
    }
    if (delay !== undefined) {
      edge.delay = delay * 1_000
      edge.delayId = this.#nameDelay(`${edge.stepId}>${stepIdOf(target)}`)
    }
    if ((this.#agents.get(source)?.handoffs.size ?? 0) > 0 || !this.#graph.isNode(source)) edge.endedIn = source
    return edge
  }

  /** There may be several between two nodes. */
  #nameDelay(id: string): string {
    const number = (this.#delays.get(id) ?? 0) + 1
    this.#delays.set(id, number)
    return number === 1 ? id : `${id}>${number}`
  }

  #planAgent(id: string, node: AgentNode): PlannedAgent {
    const { config } = node
    const name = typeof node.name === 'string' && node.name ? node.name : node.agent_id
    const compiler = this.#compiler(id)
    const system = config.system_prompt
    const planned: PlannedAgent = {
      id: node.agent_id,
      stepId: stepIdOf(node.agent_id),
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
  const connect = (edge: Link, kind: 'tools' | 'handoffs', prefix: string): void => {
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
  for (const list of edges.values()) for (const { to } of list) waiting.set(to, (waiting.get(to) ?? 0) + 1)
  const order = members.filter((id) => waiting.get(id) === 0)
  for (const id of order) {
    for (const { to } of edges.get(id) ?? []) {
      const left = waiting.get(to)! - 1
      waiting.set(to, left)
      if (left === 0) order.push(to)
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
