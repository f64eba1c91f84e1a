import { Html, html } from './html.ts'
import type { JsonSchema } from './json-schema.ts'
import { renderInline } from './markdown.ts'
import { type OpenApiDocument, schemaRef } from './openapi.ts'

/** A schema as a table of its fields, and as an example. */

/** Objects within objects are shown down to here; deeper, their type alone. */
const DEPTH = 4

export function fieldTable(document: OpenApiDocument, schema: JsonSchema): Html | undefined {
  const rows = fields(document, schema, '', 0)
  if (rows.length === 0) return undefined
  return html`<div class="fields">${rows}</div>`
}

function fields(document: OpenApiDocument, given: JsonSchema, prefix: string, depth: number): Html[] {
  const schema = schemaRef(document, given)
  if (schema.type === 'array' && schema.items) return fields(document, schema.items, `${prefix}[]`, depth)
  const forms = formsOf(schema)
  if (forms.length === 1) return fields(document, forms[0]!, prefix, depth)
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = prefix ? `${prefix}.${name}` : name
    const row = field(document, path, property, schema.required?.includes(name) === true)
    return depth < DEPTH ? [row, ...fields(document, property, path, depth + 1)] : [row]
  })
}

export function field(document: OpenApiDocument, name: string, given: JsonSchema, required: boolean, note?: string): Html {
  const schema = schemaRef(document, given)
  const description = given.description ?? schema.description ?? schema['x-message']
  const facts = constraints(schema)
  return html`<div class="field">
    <div class="name"><code>${name.replaceAll('.[]', '[]')}</code>${required && html` <span class="required">required</span>`}</div>
    <div class="what">
      <span class="type">${typeName(document, given)}</span>${note && html` <span class="type">· ${note}</span>`}
      ${facts.length > 0 && html`<span class="facts">${facts.map((fact) => html` · ${fact}`)}</span>`}
      ${description && html`<div>${renderInline(description)}</div>`}
    </div>
  </div>`
}

export function typeName(document: OpenApiDocument, given: JsonSchema): string {
  if (given.$ref) return given.$ref.split('/').at(-1)!
  const schema = schemaRef(document, given)
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const forms = schema.anyOf ?? schema.oneOf
  if (forms) return [...new Set(forms.map((form) => typeName(document, form)))].join(' | ')
  if (schema.type === 'array') return `list of ${schema.items ? typeName(document, schema.items) : 'anything'}`
  if (schema.format && schema.type === 'string') return schema.format
  if (schema.type === undefined) return 'anything'
  return [schema.type].flat().join(' | ').replaceAll('string', 'text')
}

function constraints(schema: JsonSchema): Html[] {
  const { minimum, maximum, minLength, maxLength, maxItems, pattern } = schema
  const facts: (Html | false)[] = [
    minimum !== undefined && maximum !== undefined && html`${minimum} to ${maximum}`,
    minimum !== undefined && maximum === undefined && html`at least ${minimum}`,
    minimum === undefined && maximum !== undefined && html`at most ${maximum}`,
    (minLength ?? 0) > 1 && html`at least ${minLength} characters`,
    maxLength !== undefined && html`at most ${maxLength} characters`,
    maxItems !== undefined && html`at most ${maxItems} items`,
    // The custom sentence says it better than a pattern does.
    pattern !== undefined && !schema['x-message'] && html`matches <code>${pattern}</code>`,
    schema.default !== undefined && html`default <code>${JSON.stringify(schema.default)}</code>`,
  ]
  return facts.filter((fact) => fact !== false)
}

/** An example of what a schema describes: its own, else one made from those of its fields. */
export function exampleOf(document: OpenApiDocument, given: JsonSchema, depth = 0): unknown {
  const schema = schemaRef(document, given)
  const own = given.examples?.[0] ?? schema.examples?.[0] ?? schema.default ?? schema.const ?? schema.enum?.[0]
  if (own !== undefined) return own
  const form = (schema.anyOf ?? schema.oneOf)?.find((one) => one.type !== 'null')
  if (form) return exampleOf(document, form, depth)
  if (schema.type === 'object') return objectExample(document, schema, depth)
  if (schema.type === 'array') return schema.items && depth <= DEPTH ? [exampleOf(document, schema.items, depth + 1)] : []
  if (schema.type === 'string') return stringExample(schema.format)
  if (schema.type === 'boolean') return true
  return schema.type === 'integer' || schema.type === 'number' ? (schema.minimum ?? 0) : null
}

function objectExample(document: OpenApiDocument, schema: JsonSchema, depth: number): object {
  if (depth > DEPTH) return {}
  const shown = Object.entries(schema.properties ?? {}).filter(([name, property]) => schema.required?.includes(name) || property.examples)
  return Object.fromEntries(shown.map(([name, property]) => [name, exampleOf(document, property, depth + 1)]))
}

function stringExample(format: string | undefined): string {
  if (format === 'uuid') return '0198c5a2-7d3e-7c11-9b0a-5f2d8e4c1a77'
  return format === 'date-time' ? '2026-01-31T12:00:00.000Z' : '…'
}

function formsOf(schema: JsonSchema): JsonSchema[] {
  return (schema.anyOf ?? schema.oneOf ?? []).filter((form) => form.type !== 'null')
}
