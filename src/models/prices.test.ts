import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { removeFolder, temporaryFolder } from '../../test/support/server.ts'
import { costsBy, readPrices } from './prices.ts'

const tokens = { input: 1_000_000, output: 100_000, total: 1_100_000 }

it('knows what well-known models cost, and each of their releases', () => {
  const costOf = costsBy()
  expect(costOf('openai/gpt-4o', tokens)).toBe(3.5)
  expect(costOf('openai/gpt-4o-2024-08-06', tokens)).toBe(3.5)
  expect(costOf('anthropic/claude-sonnet-4-5-20250929', tokens)).toBe(4.5)
  expect(costOf('demo/assistant', tokens)).toBe(0)
  for (const model of ['openai/gpt-4o-something', 'openai/constructor', '__proto__/x']) expect(costOf(model, tokens)).toBeNull()
})

it('takes the prices of the operator before its own', () => {
  const costOf = costsBy({ 'openai/gpt-4o': { input: 1, output: 1 }, 'ollama/*': { input: 0, output: 0 } })
  expect(costOf('openai/gpt-4o', tokens)).toBe(1.1)
  expect(costOf('ollama/llama3', tokens)).toBe(0)
})

it('reads a file of prices, and says what is wrong with one', () => {
  const folder = temporaryFolder()
  onTestFinished(() => removeFolder(folder))
  const file = (text: string): string => {
    const path = join(folder, 'prices.json')
    writeFileSync(path, text)
    return path
  }
  expect(readPrices(file('{"a/b": {"input": 1, "output": 0}}'))).toEqual({ 'a/b': { input: 1, output: 0 } })
  for (const wrong of ['[]', '{', '{"a/b": 1}', '{"a": {"input": 1, "output": 1}}', '{"a/b": {"input": -1, "output": 1}}', '{"a/b": null}'])
    expect(() => readPrices(file(wrong))).toThrow(/it (must|cannot)/)
  expect(() => readPrices(join(folder, 'nowhere'))).toThrow('cannot be read')
})
