import { allAgents } from '../agents/repository.ts'
import { toRegisteredAgent } from '../agents/agent.ts'
import { isObject, type RegisteredAgent } from '../graph/definition.ts'
import { resolveDefinition, type Resolution } from '../graph/resolve.ts'
import { LEGACY_KINDS } from '../graph/step-kind.ts'
import { limitIssues } from '../limit-issues.ts'
import type { Models } from '../models/model.ts'
import { stepKinds } from '../nodes/kinds.ts'
import { checkReferences, type KnownNames } from '../secrets/check-references.ts'
import { agentConfigsIn, type FieldSchemas } from '../secrets/find-references.ts'
import type { DefinitionReferences } from '../secrets/reference-repository.ts'
import { secretNames } from '../secrets/repository.ts'
import type { Db } from '../store/store.ts'
import type { WorkflowRow } from '../store/tables.ts'
import { toolTypes } from '../tools/compile-tools.ts'
import { discoverTools, type Asking } from '../tools/discover.ts'
import type { Studio } from '../studio.ts'
import { OtherWorkflows, withoutOthers } from './other-workflows.ts'
import { variableNames } from '../variables/repository.ts'

export interface ResolvedWorkflow extends Resolution {
  references: DefinitionReferences
}

/** Problems with references that an answer lists at most. */
const MAX_PROBLEMS = 1_000

/**
 * Checks a workflow and fills in what it takes from the registered agents and the model providers of this server.
 * @param environment whose secrets and variables it may refer to; without it they are not asked for
 * @param options.withSecrets whether other servers may be asked with these secrets which tools they have
 */
export function resolveWorkflow(
  studio: Pick<Studio, 'store' | 'models' | 'outside'>,
  workflow: WorkflowRow,
  environment?: string,
  { withSecrets = true }: { withSecrets?: boolean } = {},
): Promise<ResolvedWorkflow> {
  const asking = { environment, withSecrets }
  const others = new OtherWorkflows(studio.store.read, workflow.workflow_id, (other, all) => resolve(studio, other, asking, all))
  return resolve(studio, workflow, asking, others)
}

async function resolve(
  { store, models, outside }: Pick<Studio, 'store' | 'models' | 'outside'>,
  workflow: WorkflowRow,
  asking: Asking,
  all: OtherWorkflows,
): Promise<ResolvedWorkflow> {
  const { environment } = asking
  const agents = (await allAgents(store.read)).map(toRegisteredAgent)
  const known = environment === undefined ? undefined : await namesOf(store.read, environment)
  const configuration: unknown = JSON.parse(workflow.configuration)
  const others = await all.of(configuration, workflow.configuration)
  const { definition, problems, warnings } = resolveDefinition(configuration, {
    agents,
    defaultModel: models.default,
    resolveModel: (name) => asIn(known, models.resolve(name)),
    kinds: stepKinds,
    discovered: await discoverTools(toolsIn(configuration, agents), asking, outside),
    others: others.byStep,
  })
  // With problems the definition lacks what they are about, and its places are others. Other workflows were checked by themselves.
  const checked = checkReferences(problems.length === 0 ? withoutOthers(definition) : configuration, known, schemas)
  return {
    definition,
    problems: [...problems, ...limitIssues(checked.problems, MAX_PROBLEMS)],
    warnings,
    references: joined([
      { ...checked, providerKeys: problems.length === 0 ? providerKeys(definition, models) : [] },
      ...others.resolved.map((other) => other.references),
    ]),
  }
}

/** All that agents say of tools, and the registered ones that they may be. */
function toolsIn(configuration: unknown, registered: readonly RegisteredAgent[]): unknown[] {
  const named = namedIn(configuration)
  const used = registered.filter(({ name, agent_id }) => named.has(name) || named.has(agent_id))
  const configs = [...agentConfigsIn(configuration), ...used].map(({ config }) => config as unknown)
  return configs.flatMap((config) => {
    const tools = (config as { tools?: unknown } | null | undefined)?.tools
    return Array.isArray(tools) ? (tools as unknown[]) : []
  })
}

function namedIn(configuration: unknown): ReadonlySet<unknown> {
  const { agents, steps } = (configuration ?? {}) as { agents?: unknown; steps?: unknown }
  const nodes = [agents, steps].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : [])).filter(isObject)
  const all = nodes.flatMap((node) => [node, ...(isObject(node['config']) ? [node['config']] : [])])
  return new Set(all.flatMap((one) => [one['agent_type'], one['agent_id'], one['agent'], one['step_id']]))
}

function joined(all: readonly DefinitionReferences[]): DefinitionReferences {
  const each = (names: (references: DefinitionReferences) => readonly string[]): string[] => [...new Set(all.flatMap(names))]
  return { secrets: each((one) => one.secrets), variables: each((one) => one.variables), providerKeys: each((one) => one.providerKeys) }
}

async function namesOf(db: Db, environment: string): Promise<KnownNames> {
  return { environment, secrets: await secretNames(db, environment), variables: await variableNames(db, environment) }
}

const schemas: FieldSchemas = {
  ofStep: (type) => stepKinds.get(Object.hasOwn(LEGACY_KINDS, type) ? LEGACY_KINDS[type]! : type)?.schema,
  ofTool: (type) => toolTypes.get(type)?.schema,
}

/** A key that the server lacks may be a secret of the environment. */
function asIn(known: KnownNames | undefined, info: ReturnType<Models['resolve']>): ReturnType<Models['resolve']> {
  if (info?.missing === undefined || info.missing !== info.keyName || !known?.secrets.has(info.keyName)) return info
  const { missing: _missing, ...rest } = info
  return rest
}

/** What models are called with where the agent names no key of its own. */
function providerKeys(definition: unknown, models: Models): string[] {
  const names = agentConfigsIn(definition).flatMap(({ config }) => {
    const { model, api_key, base_url } = config as { model?: unknown; api_key?: unknown; base_url?: unknown }
    return typeof model === 'string' && api_key === undefined && base_url === undefined ? (models.resolve(model)?.keyName ?? []) : []
  })
  return [...new Set(names)]
}
