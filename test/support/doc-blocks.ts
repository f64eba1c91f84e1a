import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The fenced blocks of a Markdown page, and whether what they printed is what the page shows. */

const root = join(import.meta.dirname, '../..')

export interface Block {
  language: string
  /** What follows the language on the fence; `sample` marks what is there to be read, not run or compared. */
  mark: string
  code: string
  /** Of the fence, counted from 1. */
  line: number
}

export interface RunnableBlock extends Block {
  /** The `json` or `text` block that follows with nothing but blank lines between. */
  expected: Block | undefined
}

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w+)?(?: (\w+))?\s*$/.exec(lines[at]!)
    if (!fence) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`the fence in line ${at + 1} is never closed`)
    blocks.push({ language: fence[1] ?? '', mark: fence[2] ?? '', code: lines.slice(at + 1, end).join('\n'), line: at + 1 })
    at = end
  }
  return blocks
}

/** @throws for a block of output that belongs to nothing, since it would never be compared */
export function runnableBlocks(markdown: string, languages: readonly string[]): RunnableBlock[] {
  const lines = markdown.split('\n')
  const runnable: RunnableBlock[] = []
  for (const block of blocksOf(markdown).filter(({ mark }) => mark !== 'sample')) {
    if (languages.includes(block.language)) {
      runnable.push({ ...block, expected: undefined })
      continue
    }
    const last = runnable.at(-1)
    const end = last && last.line + last.code.split('\n').length + 1
    const follows = end !== undefined && lines.slice(end, block.line - 1).every((line) => line.trim() === '')
    if (!['json', 'text'].includes(block.language) || !follows) {
      throw new Error(`line ${block.line}: a block of '${block.language}' neither runs nor follows one that does; mark it 'sample'`)
    }
    last!.expected = block
  }
  return runnable
}

/** Undefined where the output is what the block shows; otherwise what is different. `…` stands for anything. */
export function difference(expected: Block, actual: string): string | undefined {
  if (expected.language === 'text') return textDifference(expected.code, actual)
  let parsed: unknown
  try {
    parsed = JSON.parse(actual)
  } catch {
    return `the output is not one JSON value:\n${actual}`
  }
  return jsonDifference(JSON.parse(expected.code), parsed, '')
}

/** A line of `…` alone stands for any number of lines, within a line it stands for any part of that line. */
function textDifference(expected: string, actual: string): string | undefined {
  const pattern = expected
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '…' ? '[\\s\\S]*?' : inLine(line.trimEnd())))
    .join('\n')
  const trimmed = actual.trim().replaceAll(/[ \t]+$/gm, '')
  return new RegExp(`^${pattern}$`).test(trimmed) ? undefined : `the output is:\n${trimmed}`
}

function inLine(text: string): string {
  return text.split('…').map(RegExp.escape).join('[^\\n]*?')
}

/** `"…"` stands for any value; as a key, for further members; as the last item, for further items. */
function jsonDifference(expected: unknown, actual: unknown, path: string): string | undefined {
  if (expected === '…') return undefined
  if (typeof expected === 'string' && typeof actual === 'string') {
    const pattern = expected.split('…').map(RegExp.escape).join('[\\s\\S]*?')
    return new RegExp(`^${pattern}$`).test(actual) ? undefined : differs(path, expected, actual)
  }
  if (Array.isArray(expected) && Array.isArray(actual)) return listDifference(expected, actual, path)
  if (isObject(expected) && isObject(actual)) return objectDifference(expected, actual, path)
  return Object.is(expected, actual) ? undefined : differs(path, expected, actual)
}

function listDifference(expected: unknown[], actual: unknown[], path: string): string | undefined {
  const isOpen = expected.at(-1) === '…'
  const listed = isOpen ? expected.slice(0, -1) : expected
  if (actual.length < listed.length || (!isOpen && actual.length > listed.length)) return differs(path, expected, actual)
  return listed.map((item, index) => jsonDifference(item, actual[index], `${path}/${index}`)).find(Boolean)
}

function objectDifference(expected: Record<string, unknown>, actual: Record<string, unknown>, path: string): string | undefined {
  const isOpen = '…' in expected
  const listed = Object.keys(expected).filter((key) => key !== '…')
  const missing = listed.find((key) => !(key in actual))
  if (missing !== undefined) return `${path}/${missing} is missing from ${JSON.stringify(actual)}`
  const further = Object.keys(actual).find((key) => !listed.includes(key))
  if (!isOpen && further !== undefined) return `${path}/${further} is not shown: ${JSON.stringify(actual[further])}`
  return listed.map((key) => jsonDifference(expected[key], actual[key], `${path}/${key}`)).find(Boolean)
}

function differs(path: string, expected: unknown, actual: unknown): string {
  return `${path || 'the whole output'} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
