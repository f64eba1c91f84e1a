import { describe, expect, it } from 'vitest'
import { WaitingPrograms, type Waiting } from './waiting-programs.ts'

interface Program extends Waiting {
  name: string
}

const program = (tenant: string, number: number): Program => ({ tenant, name: `${tenant}${number}` })
const programs = (tenant: string, count: number): Program[] => Array.from({ length: count }, (_, index) => program(tenant, index + 1))

function waiting(mostOfOne: number, ...items: Program[]): WaitingPrograms<Program> {
  const all = new WaitingPrograms<Program>(mostOfOne)
  for (const item of items) all.add(item)
  return all
}

function takeAll(all: WaitingPrograms<Program>): Program[] {
  const taken: Program[] = []
  for (let item = all.take(); item; item = all.take()) taken.push(item)
  return taken
}

describe('programs that wait', () => {
  it('of one tenant are taken as they came', () => {
    expect(takeAll(waiting(9, ...programs('a', 3))).map(({ name }) => name)).toEqual(['a1', 'a2', 'a3'])
  })

  it('of several tenants take turns, however many one of them has', () => {
    const all = waiting(9, ...programs('a', 4), ...programs('b', 2), program('c', 1))
    expect(takeAll(all).map(({ name }) => name)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4'])
  })

  it('come first when little of their tenant runs', () => {
    const all = waiting(9, ...programs('a', 3))
    takeAll(all)
    for (const item of [...programs('a', 1), ...programs('b', 3)]) all.add(item)
    expect(takeAll(all).map(({ name }) => name)).toEqual(['b1', 'b2', 'b3', 'a1'])
  })

  it('wait on while as many of their tenant run as may', () => {
    const [first, ...others] = programs('a', 4)
    const all = waiting(2, first!, ...others)
    expect(all.ready).toBe(2)
    expect(takeAll(all).map(({ name }) => name)).toEqual(['a1', 'a2'])
    expect(all.ready).toBe(0)
    all.noteEnd(first!)
    expect(all.ready).toBe(1)
    expect(takeAll(all).map(({ name }) => name)).toEqual(['a3'])
  })

  it('can be taken back', () => {
    const [first, second] = programs('a', 2)
    const all = waiting(9, first!, second!)
    all.remove(first!)
    expect(takeAll(all)).toEqual([second])
    // Too late, and of no effect.
    all.remove(second!)
    expect(all.take()).toBeUndefined()
  })

  it('can all be taken out, so that none is left', () => {
    const all = waiting(1, ...programs('a', 2), ...programs('b', 1))
    expect(all.takeAll().map(({ name }) => name)).toEqual(['a1', 'a2', 'b1'])
    expect(all.take()).toBeUndefined()
    expect(all.ready).toBe(0)
  })
})
