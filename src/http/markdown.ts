import { Html, escapeHtml, html } from './html.ts'

/**
 * The little Markdown that our own pages use: headings, paragraphs, lists, tables, fenced code, and within a line `code`,
 * **strong** and [links](/to). Anything else stays as the text that it is. No library: they bring HTML pass-through and
 * plug-ins, for a file that we write ourselves.
 */
export function renderMarkdown(source: string): Html {
  const lines = source.replaceAll('\r\n', '\n').split('\n')
  const blocks: Html[] = []
  let at = 0
  const takeWhile = (test: (line: string) => boolean): string[] => {
    const start = at
    while (at < lines.length && test(lines[at]!)) at += 1
    return lines.slice(start, at)
  }
  while (at < lines.length) {
    const line = lines[at]!
    if (line.trim() === '') at += 1
    else if (line.startsWith('```')) {
      at += 1
      const code = takeWhile((one) => !one.startsWith('```'))
      at += 1
      blocks.push(html`<pre><code>${code.join('\n')}</code></pre>`)
    } else if (isHeading(line)) {
      at += 1
      blocks.push(heading(line))
    } else if (line.startsWith('|')) blocks.push(table(takeWhile((one) => one.startsWith('|'))))
    else if (isItem(line)) blocks.push(list(takeWhile((one) => isItem(one) || /^\s+\S/.test(one))))
    else blocks.push(html`<p>${renderInline(takeWhile(isText).join(' '))}</p>`)
  }
  return new Html(blocks.join('\n'))
}

export function renderInline(text: string): Html {
  // Split at code first: within it nothing else counts.
  const pieces = text.split(/(`[^`]+`)/).map((piece) => {
    if (/^`[^`]+`$/.test(piece)) return `<code>${escapeHtml(piece.slice(1, -1))}</code>`
    return escapeHtml(piece)
      .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
      .replaceAll(/\[([^\]]+)\]\(((?:https?:\/\/|\/|#)[^\s)]*)\)/g, '<a href="$2">$1</a>')
  })
  return new Html(pieces.join(''))
}

/** The fragment of a heading: `## model_failed` is at `#model_failed`, whatever decorates it. */
export function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9_\s-]/g, '')
    .trim()
    .replaceAll(/\s+/g, '-')
}

function heading(line: string): Html {
  const [, marks, title] = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line)!
  const level = marks!.length
  const id = anchor(title!)
  const tag = new Html(`h${level}`)
  return html`<${tag} id="${id}"><a class="anchor" href="#${id}">${renderInline(title!)}</a></${tag}>`
}

function table(lines: string[]): Html {
  const rows = lines.map(cells)
  const hasHead = rows.length > 1 && rows[1]!.every((cell) => /^:?-+:?$/.test(cell))
  const body = hasHead ? rows.slice(2) : rows
  const row = (values: string[]) =>
    html`<tr>
      ${values.map((value) => html`<td>${renderInline(value)}</td>`)}
    </tr>`
  const head =
    hasHead &&
    html`<thead>
      <tr>
        ${rows[0]!.map((value) => html`<th>${renderInline(value)}</th>`)}
      </tr>
    </thead>`
  return html`<div class="scroll">
    <table>
      ${head}
      <tbody>
        ${body.map(row)}
      </tbody>
    </table>
  </div>`
}

function cells(line: string): string[] {
  return line
    .trim()
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.replaceAll('\\|', '|').trim())
}

/** One level; a line that is indented continues the item above. */
function list(lines: string[]): Html {
  const items: string[] = []
  for (const line of lines) {
    if (isItem(line)) items.push(line.replace(/^([-*]|\d+\.)\s+/, ''))
    else items.push(`${items.pop() ?? ''} ${line.trim()}`)
  }
  const tag = new Html(/^\d/.test(lines[0]!) ? 'ol' : 'ul')
  return html`<${tag}>${items.map((item) => html`<li>${renderInline(item)}</li>`)}</${tag}>`
}

function isHeading(line: string): boolean {
  return /^#{1,6}\s+\S/.test(line)
}

function isItem(line: string): boolean {
  return /^([-*]|\d+\.)\s+/.test(line)
}

/** Also true of whatever is nothing else, such as a line of `#` alone, so that each line is taken by something. */
function isText(line: string): boolean {
  return line.trim() !== '' && !isHeading(line) && !isItem(line) && !line.startsWith('|') && !line.startsWith('```')
}
