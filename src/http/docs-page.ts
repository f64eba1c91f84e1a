import { exampleOf, field, fieldTable, typeName } from './docs-schema.ts'
import { Html, html } from './html.ts'
import { renderInline, renderMarkdown } from './markdown.ts'
import { type OpenApiDocument, type Operation, type Parameter, type ResponseObject, schemaRef } from './openapi.ts'

/**
 * The API reference as one page without a script. Swagger UI and Scalar were weighed: more than a megabyte of script, in
 * need of a laxer Content-Security-Policy, for what a table shows as well.
 */

/** Stands for the address that the reader came by. */
export const ORIGIN = 'http://origin.invalid'

interface Entry {
  method: string
  path: string
  operation: Operation
  id: string
}

export function docsPage(document: OpenApiDocument): Html {
  const groups = groupByTag(document)
  const { title, version, description = '' } = document.info
  return page(
    `${title} API`,
    'reference',
    html`<nav class="toc" aria-label="Contents">
        <a class="brand" href="#top">${title}</a>
        <ul>
          ${groups.map(
            ([tag, entries]) =>
              html`<li>
                <a class="group" href="#${tag}">${tag}</a>
                <ul>
                  ${entries.map(tocEntry)}
                </ul>
              </li>`,
          )}
          <li><a class="group" href="/docs/errors">errors</a></li>
        </ul>
      </nav>
      <main id="top">
        <header>
          <h1>${title} API <small>${version}</small></h1>
          ${renderMarkdown(description)}
          <p class="links"><a href="/openapi.json">OpenAPI 3.1</a><a href="/docs/errors">Error codes</a></p>
        </header>
        ${groups.map(([tag, entries]) => section(document, tag, entries))}
      </main>`,
  )
}

export function page(title: string, kind: 'reference' | 'errors', content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/docs/style.css" />
      </head>
      <body class="${kind}">
        ${content}
      </body>
    </html> `
}

function groupByTag(document: OpenApiDocument): [string, Entry[]][] {
  const entries = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
      id: operation.operationId ?? `${method}${path.replaceAll(/[^a-z]+/gi, '-')}`,
    })),
  )
  const groups = Map.groupBy(entries, ({ operation }) => operation.tags?.[0] ?? 'other')
  const order = [...new Set([...document.tags.map(({ name }) => name), ...groups.keys()])]
  return order.filter((tag) => groups.has(tag)).map((tag) => [tag, groups.get(tag)!])
}

function tocEntry({ id, method, operation, path }: Entry): Html {
  return html`<li>
    <a href="#${id}">${badge(method)}<span>${operation.summary ?? path}</span></a>
  </li>`
}

function badge(method: string): Html {
  return html`<span class="method ${method.toLowerCase()}">${method}</span>`
}

function section(document: OpenApiDocument, tag: string, entries: Entry[]): Html {
  const description = document.tags.find(({ name }) => name === tag)?.description
  return html`<section>
    <h2 id="${tag}"><a class="anchor" href="#${tag}">${tag}</a></h2>
    ${description && html`<p>${renderInline(description)}</p>`} ${entries.map((entry) => operationArticle(document, entry))}
  </section>`
}

function operationArticle(document: OpenApiDocument, entry: Entry): Html {
  const { id, method, path, operation } = entry
  const { requestBody, responses } = operation
  return html`<article id="${id}">
    <h3><a class="anchor" href="#${id}">${operation.summary ?? id}</a></h3>
    <p class="route">${badge(method)}<code>${breakable(path)}</code></p>
    ${operation.description && renderMarkdown(operation.description)} ${keyNote(operation)}
    ${parameterList(document, parametersOf(document, operation))} ${requestBody && body(document, requestBody)}
    <h4>Example</h4>
    <pre><code>${curl(document, entry)}</code></pre>
    <h4>Answers</h4>
    ${Object.entries(responses).map(([status, response]) => answer(document, status, response))}
  </article>`
}

/** Said by the description of the whole where every key will do. */
function keyNote({ security }: Operation): Html | undefined {
  const scope = security[0]?.apiKey[0]
  if (security.length === 0) return html`<p>Needs no API key.</p>`
  return scope === undefined ? undefined : html`<p>Needs a key with the scope <code>${scope}</code>, once there are keys.</p>`
}

function parametersOf(document: OpenApiDocument, { parameters = [] }: Operation): Parameter[] {
  return parameters.map((one) => ('$ref' in one ? (schemaRef(document, { $ref: one.$ref }) as unknown as Parameter) : one))
}

function parameterList(document: OpenApiDocument, parameters: Parameter[]): Html | undefined {
  if (parameters.length === 0) return undefined
  const rows = parameters.map((one) =>
    field(document, one.name, { ...one.schema, ...(one.description && { description: one.description }) }, one.required === true, one.in),
  )
  return html`<h4>Parameters</h4>
    <div class="fields">${rows}</div>`
}

function body(document: OpenApiDocument, { content, required }: NonNullable<Operation['requestBody']>): Html | undefined {
  const schema = content['application/json']?.schema
  const table = schema && fieldTable(document, schema)
  return (
    table &&
    html`<h4>Body ${!required && html`<small>optional</small>`}</h4>
      ${table}`
  )
}

function answer(document: OpenApiDocument, status: string, given: ResponseObject): Html {
  if (status === 'default')
    return html`<p class="answer">
      <span class="status bad">4xx, 5xx</span> a <a href="/docs/errors">problem</a> with its <code>code</code>
    </p>`
  const response = schemaRef(document, given) as ResponseObject
  const [type, media] = Object.entries(response.content ?? {})[0] ?? []
  const { schema } = media ?? {}
  const description = response.description === 'Success.' ? '' : (response.description ?? '')
  const head = html`<span class="status">${status}</span> ${renderInline(description)}
    ${schema && html`<span class="type">${typeName(document, schema)}</span>`}
    ${type && type !== 'application/json' && html`<span class="type">${type}</span>`}`
  const table = schema && fieldTable(document, schema)
  if (!table) return html`<p class="answer">${head}</p>`
  return html`<details class="answer">
    <summary>${head}</summary>
    ${table}
  </details>`
}

function curl(document: OpenApiDocument, { method, path, operation }: Entry): string {
  const url = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const parameter = parametersOf(document, operation).find((one) => one.name === name)
    const example = parameter?.example ?? (parameter?.schema && exampleOf(document, parameter.schema))
    return typeof example === 'string' && example !== '…' ? encodeURIComponent(example) : `<${name}>`
  })
  const media = operation.requestBody?.content['application/json']
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}'${ORIGIN}${url}'`]
  if (media) {
    const example = media.example ?? Object.values(media.examples ?? {})[0]?.value ?? exampleOf(document, media.schema ?? {})
    const json = JSON.stringify(example, null, 2).replaceAll("'", String.raw`'\''`)
    if (json !== '{}') lines.push(`-H 'Content-Type: application/json'`, `-d '${json}'`)
  }
  return lines.join(' \\\n  ')
}

/** A long path may break after each slash. */
function breakable(path: string): Html[] {
  return path.split(/(?<=\/)/).map((part) => html`${part}<wbr />`)
}
