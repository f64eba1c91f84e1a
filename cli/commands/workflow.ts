import { StudioProblem, type Workflow } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { CommandFailed, EXIT, wrongCall, type ExitCode } from '../frame/exit.ts'
import { toYaml } from '../output/show.ts'
import { count } from '../output/words.ts'
import { allWorkflows, findWorkflow } from './find.ts'
import { isObject, parseOne, readInput, writeOutput } from './inputs.ts'
import { workflowItem, workflowTable } from './views.ts'

export async function listWorkflows(call: Call): Promise<void> {
  await call.show.list(await allWorkflows(call, call.flag('deployed') ? { is_deployed: true } : {}), workflowTable)
}

export async function getWorkflow(call: Call): Promise<void> {
  await call.show.item(await findWorkflow(call, call.needed('workflow')), workflowItem)
}

export async function createWorkflow(call: Call): Promise<void> {
  const file = call.option('file')
  const configuration = file === undefined ? {} : await readConfiguration(file)
  const workflow = await create(call, { ...textFields(call), name: call.needed('name'), configuration })
  await call.show.done(workflow, `Created ${workflow.name} ${workflow.version} (${workflow.workflow_id}).`, workflow.workflow_id)
}

/** What an export holds, and what a create takes. */
export function exported(workflow: Workflow): Record<string, unknown> {
  const { name, version, description, tags, configuration } = workflow
  return { kind: 'Workflow', name, version, ...(description !== null && { description }), ...(tags !== null && { tags }), configuration }
}

export async function exportWorkflow(call: Call): Promise<void> {
  const workflow = exported(await findWorkflow(call, call.needed('workflow')))
  const asJson = ['json', 'jsonl'].includes(call.show.format)
  const text = asJson ? `${JSON.stringify(workflow, null, 2)}\n` : await toYaml(workflow)
  const file = call.option('file')
  if (file === undefined) call.terminal.write(text)
  else {
    writeOutput(file, text)
    call.terminal.say(`Wrote ${file}.`)
  }
}

export async function importWorkflow(call: Call): Promise<void> {
  const path = call.needed('file')
  const value = await parseOne(await readInput(path, 'The workflow'), path)
  if (!isObject(value)) throw wrongCall(`${path} holds no workflow.`)
  const fields = isObject(value['configuration']) ? pick(value) : { configuration: value }
  const body = { ...fields, ...textFields(call), ...(call.option('name') !== undefined && { name: call.option('name')! }) }
  if (typeof body.name !== 'string') throw wrongCall(`${path} names no workflow.`, 'Say --name <name>.')
  const whole = { ...body, name: body.name, configuration: body.configuration as Record<string, unknown> }
  const replaced = call.flag('replace') ? await replace(call, whole) : undefined
  const workflow = replaced ?? (await create(call, whole))
  const done = replaced ? 'Replaced' : 'Created'
  await call.show.done(
    workflow,
    `${done} ${workflow.name} ${workflow.version} (${workflow.workflow_id}). What is deployed stays as it is.`,
    workflow.workflow_id,
  )
}

type NewWorkflow = { name: string; configuration: Record<string, unknown>; version?: string; description?: string; tags?: string[] }

async function create(call: Call, body: NewWorkflow): Promise<Workflow> {
  try {
    return await call.studio.call('createWorkflow', { body })
  } catch (error) {
    if (!(error instanceof StudioProblem && error.code === 'workflow_exists')) throw error
    throw new CommandFailed(EXIT.conflict, error.code, error.message, {
      next: 'Give it another --version, or import it with --replace.',
      requestId: error.requestId,
    })
  }
}

/** @returns undefined where there is nothing to replace */
async function replace(call: Call, body: NewWorkflow): Promise<Workflow | undefined> {
  const version = body.version ?? '1.0.0'
  const found = (await allWorkflows(call)).find((one) => one.name === body.name && one.version === version)
  return found && call.studio.call('updateWorkflow', { path: { workflow_id: found.workflow_id }, body })
}

export async function validateWorkflow(call: Call): Promise<ExitCode> {
  const workflow = await findWorkflow(call, call.needed('workflow'))
  const { environment } = call
  const result = await call.studio.call('validateWorkflow', {
    path: { workflow_id: workflow.workflow_id },
    query: { ...(environment !== undefined && { environment }) },
  })
  const { valid, errors, warnings } = result
  const lines = [...errors.map((one) => ['error', one] as const), ...warnings.map((one) => ['warning', one] as const)]
  await call.show.done(
    result,
    [
      valid
        ? `${workflow.name} ${workflow.version} can be deployed.`
        : `${workflow.name} ${workflow.version} cannot be deployed: ${count(errors.length, 'problem')}.`,
      ...lines.map(([kind, { pointer, message }]) => `  ${kind} ${pointer ?? ''}: ${message}`),
    ].join('\n'),
    valid ? 'valid' : 'invalid',
  )
  return valid ? EXIT.done : EXIT.no
}

export async function deleteWorkflow(call: Call): Promise<void> {
  const workflow = await findWorkflow(call, call.needed('workflow'))
  const { name, version, workflow_id } = workflow
  if (!call.flag('yes'))
    await call.terminal.confirmByName(
      `This deletes the workflow ${name} ${version}. Its stopped deployments stay; it cannot be undone.`,
      name,
    )
  const answer = await call.studio.call('deleteWorkflow', { path: { workflow_id } })
  await call.show.done(answer, `Deleted ${name} ${version}.`, workflow_id)
}

async function readConfiguration(path: string): Promise<Record<string, unknown>> {
  const value = await parseOne(await readInput(path, 'The configuration'), path)
  if (!isObject(value)) throw wrongCall(`${path} holds no configuration, which is an object with 'agents', 'steps' and 'connections'.`)
  // An export has it inside.
  return isObject(value['configuration']) ? value['configuration'] : value
}

function textFields(call: Call): Partial<NewWorkflow> {
  const [version, description, tags] = [call.option('version-name'), call.option('description'), call.options('tag')]
  return {
    ...(version !== undefined && { version }),
    ...(description !== undefined && { description }),
    ...(tags.length > 0 && { tags: [...tags] }),
  }
}

function pick(value: Record<string, unknown>): Partial<NewWorkflow> & { configuration: Record<string, unknown> } {
  const wanted = new Set(['name', 'version', 'description', 'tags', 'configuration'])
  return Object.fromEntries(Object.entries(value).filter(([name, one]) => wanted.has(name) && one !== null)) as ReturnType<typeof pick>
}
