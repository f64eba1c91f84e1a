import { readFileSync } from 'node:fs'
import { errorCatalogue } from '../errors.ts'
import { page } from './docs-page.ts'
import { type Html, html } from './html.ts'
import { anchor, renderMarkdown } from './markdown.ts'

/** Also where this file lies compiled, as long as docs/ lies beside src/ or its compiled form. */
const SOURCE = new URL('../../docs/errors.md', import.meta.url)

/** `/docs/errors`, where the `type` of every problem points: each code has an anchor there, whatever docs/errors.md holds. */
export function errorsPage(markdown = readSource()): Html {
  const codes = headings(markdown)
  const missing = errorCatalogue().filter(({ code }) => !codes.includes(code))
  const source = [markdown, ...missing.map(({ code, status, title }) => `## ${code}\n\n${status}: ${title}.`)].join('\n\n')
  return page(
    'Error codes · Agent Studio API',
    'errors',
    html`<nav class="toc" aria-label="Contents">
        <a class="brand" href="/docs">Agent Studio</a>
        <ul>
          <li><a class="group" href="/docs">API reference</a></li>
          <li>
            <a class="group" href="#top">error codes</a>
            <ul>
              ${headings(source).map((code) => html`<li><a href="#${anchor(code)}">${code}</a></li>`)}
            </ul>
          </li>
        </ul>
      </nav>
      <main id="top">${renderMarkdown(source)}</main>`,
  )
}

function headings(markdown: string): string[] {
  return [...markdown.matchAll(/^##\s+`?([^`\n]+?)`?\s*$/gm)].map(([, title]) => title!)
}

function readSource(): string {
  try {
    return readFileSync(SOURCE, 'utf8')
  } catch {
    return '# Error codes\n\nEvery answer that is not a success carries one of these as its `code`.'
  }
}
