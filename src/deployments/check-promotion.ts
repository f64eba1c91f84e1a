import type { RuntimeConfig } from '../engine/journal.ts'
import type { Issue, Warning } from '../errors.ts'
import type { Definition } from '../graph/definition.ts'
import { compilePlan } from '../graph/plan.ts'
import { listExecutions } from '../executions/list-repository.ts'
import type { ExecutionStatus } from '../store/tables.ts'
import { stepKinds } from '../nodes/kinds.ts'
import { agentConfigsIn } from '../secrets/find-references.ts'
import { missingIssue } from '../secrets/missing.ts'
import { referencesOf, type ReleaseRecord } from './release-list-repository.ts'
import { secretNames } from '../secrets/repository.ts'
import type { Studio } from '../studio.ts'
import { variableNames } from '../variables/repository.ts'
import { problemsOfRuntimeConfig } from './check-runtime-config-repository.ts'
import { countEnds } from './ends-repository.ts'

/** One thing that a promotion needs, and whether it is there. */
export interface Check {
  check: 'secrets' | 'variables' | 'models' | 'definition' | 'runtime_config' | 'executions'
  ok: boolean
  /** In a sentence. */
  message: string
  /** What is not there, by name. */
  missing?: string[]
  /** Of the source release. */
  executions?: { completed: number; failed: number; last: { execution_id: string; status: ExecutionStatus }[] }
}

export interface Checked {
  checklist: Check[]
  errors: Issue[]
  warnings: Warning[]
}

/** Executions of the source that are shown. */
const LAST = 5

/**
 * Whether a release could serve in another environment: all that it needs there, and how it did where it is.
 * @param definition of the release
 */
export async function checkPromotion(
  studio: Studio,
  source: ReleaseRecord,
  { environment, runtime_config }: { environment: string; runtime_config: RuntimeConfig },
  definition: string,
): Promise<Checked> {
  const { store } = studio
  const { secrets, variables } = await referencesOf(store.read, source.definition_digest)
  const [knownSecrets, knownVariables] = [await secretNames(store.read, environment), await variableNames(store.read, environment)]
  const lacking = {
    secret: secrets.filter((name) => !knownSecrets.has(name)),
    variable: variables.filter((name) => !knownVariables.has(name)),
  }
  const models = await checkModels(studio, source, JSON.parse(definition) as Definition, knownSecrets)
  const plan = checkPlan(definition)
  const config = await problemsOfRuntimeConfig(store.read, runtime_config, environment)
  const executions = await checkExecutions(studio, source)
  const missing = (['secret', 'variable'] as const).flatMap((kind) =>
    lacking[kind].map((name) => missingIssue({ kind, name }, environment)),
  )
  return {
    checklist: [
      namesCheck('secrets', secrets, lacking.secret, environment),
      namesCheck('variables', variables, lacking.variable, environment),
      models.check,
      plan.check,
      { check: 'runtime_config', ok: config.length === 0, message: config[0]?.message ?? 'The runtime configuration can be had there.' },
      executions.check,
    ],
    errors: [...missing, ...models.errors, ...plan.errors, ...config],
    warnings: [...models.warnings, ...executions.warnings],
  }
}

function namesCheck(check: 'secrets' | 'variables', needed: readonly string[], missing: string[], environment: string): Check {
  const message =
    needed.length === 0
      ? `The definition refers to no ${check}.`
      : missing.length === 0
        ? `Environment '${environment}' has all ${check} that the definition refers to: ${needed.join(', ')}.`
        : `Environment '${environment}' lacks ${missing.join(', ')}.`
  return { check, ok: missing.length === 0, message, missing }
}

/** A key that the source's environment has as a secret of its own, and the target has from nowhere, is missing there. */
async function checkModels({ store, models }: Studio, source: ReleaseRecord, definition: Definition, known: ReadonlySet<string>) {
  const names = [...new Set(modelsIn(definition))]
  const keysOfSource = await secretNames(store.read, source.environment)
  const errors: Issue[] = []
  const warnings: Warning[] = []
  for (const name of names) {
    const info = models.resolve(name)
    const pointer = '/environment'
    if (!info) errors.push({ pointer, code: 'unknown_model', message: `No provider is known for the model '${name}'.` })
    else if (info.missing !== undefined && !(info.missing === info.keyName && known.has(info.keyName))) {
      const message = `The model '${name}' needs ${info.missing}, which neither the server nor the environment has.`
      if (keysOfSource.has(info.missing)) errors.push({ pointer, code: 'unknown_secret', message })
      else warnings.push({ code: 'model_not_configured', message })
    }
  }
  const message =
    [...errors, ...warnings][0]?.message ?? (names.length === 0 ? 'No model is called.' : `All can be called: ${names.join(', ')}.`)
  return { check: { check: 'models' as const, ok: errors.length === 0, message }, errors, warnings }
}

/** Also those of the workflows that steps run. Agents with a key or a server of their own need nobody's. */
function modelsIn(definition: Definition): string[] {
  const own = agentConfigsIn(definition).flatMap(({ config }) => {
    const { model, api_key, base_url } = config as { model?: unknown; api_key?: unknown; base_url?: unknown }
    return typeof model === 'string' && api_key === undefined && base_url === undefined ? [model] : []
  })
  const inner = (definition.steps ?? []).flatMap(({ step_type, config }) =>
    step_type === 'workflow' && config['definition'] ? modelsIn(config['definition'] as Definition) : [],
  )
  return [...own, ...inner]
}

/** What one version of this server deployed, another may not be able to run. */
function checkPlan(definition: string) {
  try {
    compilePlan(JSON.parse(definition) as Definition, stepKinds)
    return { check: { check: 'definition' as const, ok: true, message: 'The definition compiles.' }, errors: [] }
  } catch (error) {
    const message = `This server cannot run the definition: ${(error as Error).message}`
    return {
      check: { check: 'definition' as const, ok: false, message },
      errors: [{ pointer: '/environment', code: 'definition_unusable', message }],
    }
  }
}

async function checkExecutions({ store }: Studio, { deployment_id, name, environment, number: release }: ReleaseRecord) {
  const { completed, failed } = await countEnds(store.read, deployment_id, release)
  const rows = await listExecutions(store.read, { deployment_name: name, environment, release, limit: LAST })
  const last = rows.map(({ execution_id, status }) => ({ execution_id, status }))
  const message =
    completed + failed === 0
      ? `No execution of release ${release} has ended in '${environment}' yet.`
      : `Of release ${release} in '${environment}', ${completed} executions completed and ${failed} failed.`
  // Who approves may not know where it comes from.
  const never: Warning = { code: 'never_executed', message: 'No execution of the release has ended yet where it comes from.' }
  const mostly: Warning = {
    code: 'mostly_failed',
    message: `Where the release comes from, ${completed} executions completed and ${failed} failed.`,
  }
  const warning = completed + failed === 0 ? never : failed > completed ? mostly : undefined
  const check: Check = { check: 'executions', ok: warning === undefined, message, executions: { completed, failed, last } }
  return { check, warnings: warning ? [warning] : [] }
}
