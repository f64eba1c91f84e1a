import type { DataSchema } from '../data-schema/data-schema.ts'
import { Ancestors } from './ancestors.ts'
import { findBodies, MOST_NESTED, type Bodies } from './bodies.ts'
import type { Definition } from './definition.ts'
import type { Findings } from './findings.ts'
import { BODY, ERROR, FlowGraph, type FlowEdge, type Link } from './flow-graph.ts'
import { findCycle } from './shape.ts'
import type { FoundReference } from './step-compiler.ts'

/** What a node reads, and by which handles it can be left. */
export interface CheckedNode {
  pointer: string
  references: FoundReference[]
  handles?: readonly string[] | undefined
  /** What its output is said to look like. */
  output?: DataSchema | undefined
}

/**
 * Checks what only shows in the graph as a whole: that there is something to run, that it ends, that everything in it can be
 * reached, and that nodes read only what comes before them.
 */
export function checkFlow(definition: Definition, checked: CheckedDefinition, findings: Findings): void {
  new FlowCheck(definition, checked, findings).run()
  checkPaths(checked, findings)
}

export interface CheckedDefinition {
  nodes: ReadonlyMap<string, CheckedNode>
  /** What the input is said to look like. */
  input: DataSchema | undefined
  /** Nothing is missing of it: no node, no connection was left out because something is wrong with it. */
  isWhole: boolean
}

/** A property that a schema rules out will never be there. */
function checkPaths({ nodes, input }: CheckedDefinition, findings: Findings): void {
  for (const { references } of nodes.values()) {
    for (const { path, pointer } of references) {
      const [root, name, member] = path
      const isOutput = root === 'steps' && member === 'output'
      const schema = root === 'input' ? input : isOutput ? nodes.get(String(name))?.output : undefined
      if (!schema || schema.knows(path.slice(root === 'input' ? 1 : 3)) !== 'unknown') continue
      const whose = root === 'input' ? 'the input_schema' : `the output_schema of '${name}'`
      findings.problem(pointer, 'unknown_property', `'${path.join('.')}' can never be there: ${whose} rules it out.`)
    }
  }
}

class FlowCheck {
  readonly #graph: FlowGraph
  readonly #bodies: Bodies
  readonly #nodes: ReadonlyMap<string, CheckedNode>
  readonly #isWhole: boolean
  readonly #findings: Findings

  constructor(definition: Definition, { nodes, isWhole }: CheckedDefinition, findings: Findings) {
    this.#graph = new FlowGraph(definition)
    this.#bodies = findBodies(this.#graph)
    this.#nodes = nodes
    this.#isWhole = isWhole
    this.#findings = findings
  }

  run(): void {
    const { agents, steps } = this.#graph
    if (agents.length + steps.length === 0) {
      if (!this.#isWhole) return
      return this.#findings.problem('', 'nothing_to_run', 'The workflow has nothing to run. Give it at least one agent or step.')
    }
    for (const { pointer, code, message } of this.#bodies.problems) this.#findings.problem(pointer, code, message)
    this.#checkHandles()
    this.#checkBodies()
    this.#checkBodyEdges()
    if (this.#bodies.problems.length + this.#bodies.tooDeep.length > 0 || this.#reportCycle()) return
    if (this.#isWhole) {
      this.#checkHandoffs()
      this.#checkLeads()
      this.#checkReachable()
    }
    this.#checkReferences()
  }

  #forward(): FlowEdge[] {
    return this.#graph.edges.filter((edge) => !this.#bodies.returns.has(edge))
  }

  /** Agents that hand over to each other are one place of the flow; they may call each other like any others. */
  #reportCycle(): boolean {
    const forward = this.#forward()
    const between = forward.map(({ from, to, pointer }) => ({ source: from, target: to, pointer }))
    const cycle = findCycle<Link>([...forward, ...this.#graph.tools]) ?? findCycle<Link>(between)
    if (!cycle) return false
    const { edge, path } = cycle
    this.#findings.problem(
      edge.pointer,
      'cycle',
      `The connections form a cycle: ${path.join(' → ')}. Remove one of them, or repeat the nodes in the body of a loop step.`,
    )
    return true
  }

  #checkHandles(): void {
    for (const { source, handle, pointer } of this.#graph.edges) {
      const handles = this.#nodes.get(source)?.handles
      if (!handles || handle === null || handle === ERROR || handles.includes(handle)) continue
      this.#findings.problem(
        `${pointer}/source_handle`,
        'unknown_case',
        `'${source}' has no case '${handle}'. Its cases are: ${handles.join(', ')}.`,
      )
    }
  }

  #checkBodies(): void {
    for (const container of this.#graph.containers) {
      const { pointer } = this.#nodes.get(container)!
      if (!this.#graph.outgoing(container).some((edge) => edge.handle === BODY)) {
        const message = `'${container}' has nothing to repeat. Connect its source_handle 'body' to the first step of its body.`
        this.#findings.problem(pointer, 'empty_body', message)
      }
    }
    for (const container of this.#bodies.tooDeep) {
      const { pointer } = this.#nodes.get(container)!
      this.#findings.problem(pointer, 'nested_too_deep', `'${container}' stands in more than ${MOST_NESTED} bodies.`)
    }
  }

  /** A body begins whenever its container runs, and is over when control comes back: neither can wait or be told of. */
  #checkBodyEdges(): void {
    for (const edge of this.#graph.edges) {
      const isInto = this.#graph.isBodyEdge(edge)
      if (!isInto && !this.#bodies.returns.has(edge)) continue
      if (edge.type === 'default' || (edge.type === 'conditional' && !isInto)) continue
      const { source, target, type, pointer } = edge
      const message = isInto
        ? `The body of '${source}' always begins, so the connection to '${target}' cannot be of type '${type}'. Begin the body with a step that decides or waits.`
        : `A connection back to '${target}', which ends its body, cannot be of type '${type}'. Put a step in between, or leave the connection out.`
      this.#findings.problem(`${pointer}/connection_type`, 'body_connection', message)
    }
  }

  #checkHandoffs(): void {
    for (const { agent, entry } of this.#graph.surplus) {
      this.#findings.problem(
        this.#nodes.get(agent)!.pointer,
        'several_entries',
        `Agents that hand over to each other are entered at one of them, which is '${entry}'; but something leads to '${agent}' as well, or nothing hands over to it.`,
      )
    }
  }

  /** Without steps, an agent that nothing leads to would answer beside the lead, by mistake as a rule. */
  #checkLeads(): void {
    if (this.#graph.steps.length > 0) return
    const called = new Set(this.#graph.tools.map((edge) => edge.target))
    const leads = this.#graph.agents.filter((id) => this.#graph.isNode(id) && !called.has(id) && this.#graph.incoming(id).length === 0)
    for (const id of leads.slice(1)) {
      this.#findings.problem(
        this.#nodes.get(id)!.pointer,
        'several_leads',
        `Several agents have no incoming connection; '${id}' is one too many. Exactly one agent leads, the others are connected to it.`,
      )
    }
  }

  #checkReachable(): void {
    const { agents, steps, tools, handoffs, edges } = this.#graph
    const called = new Set(tools.map((edge) => edge.target))
    const all = [...agents, ...steps]
    const { returns } = this.#bodies
    const isRoot = (id: string): boolean => this.#graph.isNode(id) && this.#graph.incoming(id).every((edge) => returns.has(edge))
    const roots = all.filter((id) => isRoot(id) && !called.has(id))
    const inFlow = follow(roots, [...edges, ...handoffs])
    // What another agent only calls has no way on of its own.
    const reached = follow(inFlow, [...tools, ...handoffs])
    for (const id of all) {
      if (reached.has(id)) continue
      this.#findings.problem(this.#nodes.get(id)!.pointer, 'unreachable_node', `Nothing that runs leads to '${id}'.`)
    }
  }

  #checkReferences(): void {
    const found = [...this.#nodes].flatMap(([id, { references }]) => references.map((reference) => ({ id, ...reference })))
    const ofSteps = found.filter(({ path }) => path[0] === 'steps')
    if (ofSteps.length === 0) return
    const before = new Ancestors(this.#graph, this.#bodies)
    for (const { id, path, pointer } of ofSteps) {
      const [, name] = path
      if (typeof name !== 'string') {
        this.#findings.problem(pointer, 'unknown_reference', `'steps' is followed by the id of a node, as in steps.fetch.output.`)
      } else if (!this.#nodes.has(name)) {
        this.#findings.problem(pointer, 'unknown_reference', `'${path.join('.')}' reads of '${name}', which is no node of this workflow.`)
      } else if (!before.has(id, name)) {
        const where = before.isCalled(id) ? 'does not come before each node that calls it' : 'does not come before it'
        this.#findings.problem(
          pointer,
          'reference_not_before',
          `'${path.join('.')}' is read by '${id}', but '${name}' ${where}. Connect them, or list it in the dependencies.`,
        )
      }
    }
  }
}

function follow(from: Iterable<string>, edges: readonly Link[]): Set<string> {
  const outgoing = Map.groupBy(edges, (edge) => edge.source)
  const reached = new Set(from)
  for (const id of reached) for (const edge of outgoing.get(id) ?? []) reached.add(edge.target)
  return reached
}
