import { createHash } from 'node:crypto'
import { isObject } from '../commands/inputs.ts'

/**
 * What `apply` writes beside a workflow's configuration: what it was when it was applied. What is there now and is not that
 * was changed by somebody else since, and is not overwritten.
 */
const RECORD = 'applied'

export interface Applied {
  description?: string | null | undefined
  tags?: readonly string[] | null | undefined
  configuration: Record<string, unknown>
}

/** Of everything that files say, without the record itself. */
export function digestOf({ description, tags, configuration }: Applied): string {
  const content = { description: description ?? null, tags: tags ?? null, configuration: withoutRecord(configuration) }
  return createHash('sha256').update(canonical(content)).digest('hex')
}

/** With the record in its `metadata`; as it is where that is something else than an object. */
export function withRecord(applied: Applied): Record<string, unknown> {
  const { metadata = {} } = applied.configuration
  if (!isObject(metadata)) return applied.configuration
  return { ...applied.configuration, metadata: { ...metadata, [RECORD]: digestOf(applied) } }
}

export function withoutRecord(configuration: Record<string, unknown>): Record<string, unknown> {
  const { metadata, ...rest } = configuration
  if (!isObject(metadata) || !(RECORD in metadata)) return configuration
  const { [RECORD]: _record, ...others } = metadata
  return Object.keys(others).length === 0 ? rest : { ...rest, metadata: others }
}

/** Undefined where it was never applied. */
export function recordOf({ metadata }: Record<string, unknown>): string | undefined {
  const record = isObject(metadata) ? metadata[RECORD] : undefined
  return typeof record === 'string' ? record : undefined
}

/** One text for the same content, in whatever order its members are. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value).toSorted()
  return `{${members.flatMap((name) => (value[name] === undefined ? [] : [`${JSON.stringify(name)}:${canonical(value[name])}`])).join(',')}}`
}
