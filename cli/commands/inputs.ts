import { readFileSync, writeFileSync } from 'node:fs'
import { wrongCall } from '../frame/exit.ts'

/** Everything on the standard input. @throws CommandFailed where nothing comes from there, rather than wait for somebody to type */
export async function readStdin(what: string): Promise<string> {
  if (process.stdin.isTTY)
    throw wrongCall(`${what} is read from the standard input, and nothing is sent there.`, 'Pipe it in: … | agent-studio …')
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

/** `-` is the standard input. */
export async function readInput(path: string, what: string): Promise<string> {
  if (path === '-') return readStdin(what)
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw wrongCall(`${path} cannot be read: ${reason(error)}.`)
  }
}

export function writeOutput(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw wrongCall(`${path} cannot be written: ${reason(error)}.`)
  }
}

/** JSON or YAML, whichever it is: what is JSON is YAML as well. @returns each document that is not empty */
export async function parseDocuments(text: string, name: string): Promise<unknown[]> {
  const { parseAllDocuments } = await import('yaml')
  const documents = parseAllDocuments(text, { prettyErrors: true, uniqueKeys: true })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error) throw wrongCall(`${name} is neither JSON nor YAML: ${error.message}`)
    const value = valueOf(document, name)
    return value === null || value === undefined ? [] : [value]
  })
}

function valueOf(document: { toJS: (options: { maxAliasCount: number }) => unknown }, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // An alias of nothing, or so many of them that a few lines would fill the memory.
    throw wrongCall(`${name} is no YAML that can be read: ${(error as Error).message}.`)
  }
}

export async function parseOne(text: string, name: string): Promise<unknown> {
  const documents = await parseDocuments(text, name)
  if (documents.length !== 1) throw wrongCall(`${name} holds ${documents.length} documents and should hold one.`)
  return documents[0]
}

/**
 * What `--input` builds: `key=text`, `key:=json`, `@file` or `-` with a whole object, in their order.
 * @returns undefined where nothing was given
 */
export async function readInputs(given: readonly string[]): Promise<unknown> {
  if (given.length === 0) return undefined
  let input: unknown = {}
  for (const one of given) {
    if (one === '-' || one.startsWith('@')) {
      const path = one === '-' ? one : one.slice(1)
      const value = await parseOne(await readInput(path, 'The input'), path === '-' ? 'The standard input' : path)
      if (given.length > 1 && !isObject(value)) throw wrongCall(`${one} holds no object, so nothing else can be added to it.`)
      input = isObject(value) && isObject(input) ? { ...input, ...value } : value
      continue
    }
    const found = /^([^=:]+)(:?=)([\s\S]*)$/.exec(one)
    if (!found)
      throw wrongCall(
        `--input ${one} is not understood.`,
        '--input name=text, --input count:=3 for JSON, --input @file.json, or --input - for the standard input.',
      )
    const [, key, sign, text] = found as unknown as [string, string, string, string]
    ;(input as Record<string, unknown>)[key] = sign === '=' ? text : parseJson(text, `--input ${key}`)
  }
  return input
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw wrongCall(`${what}: '${text}' is no JSON.`)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be' : code === 'EISDIR' ? 'it is a folder' : message
}
