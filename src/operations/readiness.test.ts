import { expect, it, vi } from 'vitest'
import { Readiness } from './readiness.ts'

const codeOf = async (readiness: Readiness) => (await readiness.obstacle())?.code

it('is ready until it stops', async () => {
  const readiness = new Readiness(() => Promise.resolve())
  expect(await codeOf(readiness)).toBeUndefined()
  readiness.noteStopping()
  expect(await codeOf(readiness)).toBe('shutting_down')
})

it('is not ready while the disk is full, and finds out by itself that there is room again', async () => {
  let isFull = true
  const probe = vi.fn<() => Promise<void>>(() => (isFull ? Promise.reject(new Error('full')) : Promise.resolve()))
  const readiness = new Readiness(probe)
  expect(await codeOf(readiness)).toBeUndefined()
  expect(probe).not.toHaveBeenCalled()
  readiness.noteFullDisk()
  expect(await Promise.all([codeOf(readiness), codeOf(readiness)])).toEqual(['storage_full', 'storage_full'])
  expect(probe).toHaveBeenCalledTimes(1)
  isFull = false
  expect(await codeOf(readiness)).toBeUndefined()
  expect(await codeOf(readiness)).toBeUndefined()
  expect(probe).toHaveBeenCalledTimes(2)
})

it('is never ready again once the disk has failed', async () => {
  const readiness = new Readiness(() => Promise.resolve())
  readiness.noteFullDisk()
  readiness.noteLostDisk()
  expect(await codeOf(readiness)).toBe('storage_unknown')
  expect(await codeOf(readiness)).toBe('storage_unknown')
})
