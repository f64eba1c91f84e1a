import { compileDataSchema, type DataSchema } from '../data-schema/data-schema.ts'
import type { StepCompiler } from '../graph/step-kind.ts'
import { builtIn, builtInNames } from './built-in.ts'
import { httpTool } from './http-tool.ts'
import { mcpTool } from './mcp/mcp-tool.ts'
import { openApiTool } from './openapi/openapi-tool.ts'
import type { Tool, ToolType } from './tool.ts'

/** Every sort of tool, by its name. A new one is a file and a line here. */
export const toolTypes: ReadonlyMap<string, ToolType> = new Map([builtIn, httpTool, openApiTool, mcpTool].map((type) => [type.type, type]))

/** A model that has more to choose from chooses badly, and what they are is sent with every call. */
const MOST_TOOLS = 200

/** The tools of an agent, compiled. Problems are gathered by the compiler, with pointers into the list. */
export function compileTools(list: readonly unknown[], compiler: StepCompiler): Tool[] {
  const tools: Tool[] = []
  const names = new Set<string>()
  for (const [index, item] of list.entries()) {
    for (const tool of compileTool(item, within(compiler, `/${index}`))) {
      if (names.has(tool.name)) compiler.problem(`/${index}`, 'duplicate_tool', `Two tools of the agent are called '${tool.name}'.`)
      names.add(tool.name)
      tools.push(tool)
    }
  }
  if (tools.length > MOST_TOOLS)
    compiler.problem(
      '',
      'too_many_tools',
      `An agent has at most ${MOST_TOOLS} tools, and this one has ${tools.length}. Name those that it needs.`,
    )
  return tools
}

function compileTool(item: unknown, compiler: StepCompiler): Tool[] {
  const config = typeof item === 'string' ? { type: 'builtin', name: item } : item
  if (!isObject(config)) {
    compiler.problem('', 'wrong_type', 'A tool is the name of one that is built in, or an object.')
    return []
  }
  const known = typeOf(config, compiler)
  if (!known || (known === builtIn && !isBuiltIn(config, compiler, typeof item === 'string' ? '' : '/name'))) return []
  const issues = checked(known).check(config)
  for (const { pointer, code, message } of issues) compiler.problem(pointer, code, message)
  return issues.length > 0 ? [] : known.compile(config as never, compiler)
}

function typeOf({ type }: Record<string, unknown>, compiler: StepCompiler): ToolType | undefined {
  const known = typeof type === 'string' ? toolTypes.get(type) : undefined
  const there = [...toolTypes.keys()].join(', ')
  if (type === undefined) compiler.problem('/type', 'required', `A tool that is an object needs a 'type': ${there}.`)
  else if (!known) compiler.problem('/type', 'unknown_tool_type', `There is no sort of tool ${JSON.stringify(type)}. There are ${there}.`)
  return known
}

function isBuiltIn({ name }: Record<string, unknown>, compiler: StepCompiler, pointer: string): boolean {
  if (builtInNames.includes(String(name))) return true
  const message = `There is no tool '${String(name)}'. Built in are ${builtInNames.join(', ')}; other tools are objects with a 'type'.`
  compiler.problem(pointer, 'unknown_tool', message)
  return false
}

const schemas = new WeakMap<ToolType, DataSchema>()

function checked(type: ToolType): DataSchema {
  const known = schemas.get(type)
  if (known) return known
  const compiled = compileDataSchema(type.schema)
  if ('problems' in compiled) throw new Error(`the schema of ${type.type} is wrong`)
  schemas.set(type, compiled)
  return compiled
}

function within(compiler: StepCompiler, pointer: string): StepCompiler {
  return {
    text: (value, at) => compiler.text(value, pointer + at),
    mapping: (value, at) => compiler.mapping(value, pointer + at),
    condition: (value, at) => compiler.condition(value, pointer + at),
    problem: (at, code, message) => compiler.problem(pointer + at, code, message),
    readsAll: (withVariables) => compiler.readsAll(withVariables),
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
