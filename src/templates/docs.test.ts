import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { engine } from './engine.ts'
import { parseTemplate } from './template.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/templates.md'), 'utf8')

it('docs/templates.md lists exactly the filters that there are', () => {
  const rows = [...page.matchAll(/^\| ((?:`\w+` ?)+) \|/gm)].map(([, names]) => names!)
  const listed = rows.flatMap((names) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
  expect(listed.toSorted()).toEqual(Object.keys(engine().liquid.filters).toSorted())
})

it('docs/templates.md lists exactly the tags that there are', () => {
  const listed = /^Tags: (.+)\.$/m.exec(page)![1]!.matchAll(/`([\w#]+)`/g)
  const parameters = new Set(['limit', 'offset', 'reversed'])
  const names = [...listed].map(([, name]) => name!).filter((name) => !parameters.has(name))
  const refusals = Object.keys(engine().liquid.tags).filter((name) => {
    try {
      parseTemplate(`{% ${name} %}`)
    } catch (error) {
      return (error as Error).message.includes('is not available')
    }
    return false
  })
  expect([...names, ...refusals].toSorted()).toEqual(Object.keys(engine().liquid.tags).toSorted())
})
