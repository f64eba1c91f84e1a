import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeFolder } from './support/server.ts'
import { tortureByBadWrites } from './torture/bad-writes.ts'
import { tortureByFailingDisk } from './torture/failing-disk.ts'
import { faults, type FaultName } from './torture/faults/faults.ts'
import { tortureByFullDisk } from './torture/disk.ts'
import { tortureByFuzzing } from './torture/fuzz.ts'
import { tortureByKilling } from './torture/kill.ts'
import { tortureLinearizability } from './torture/linearize.ts'
import { tortureByOverload } from './torture/overload.ts'
import { preload } from './torture/preload.ts'
import type { Part } from './torture/scenario.ts'
import { whyNoSmallDisk } from './torture/small-disk.ts'
import { tortureWrites } from './torture/writes.ts'

/**
 * A torture that finds nothing proves nothing, unless it finds what is there to be found. Here each is run on a server with
 * one planted fault; torture.test.ts runs them on the server as it is, where they must find nothing.
 */

type Env = Record<string, string>

/** @param work is given what a server must be started with to have the fault */
async function withFault<Result>(name: FaultName, work: (env: Env) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-studio-test-'))
  const notes = join(folder, 'notes')
  try {
    const result = await work(preload('./faults/plant.ts', { TORTURE_FAULT: name, TORTURE_FAULT_NOTES: notes }))
    // Had the server never loaded the file, it would have been sound.
    expect(new Set(readFileSync(notes, 'utf8').trim().split('\n'))).toEqual(new Set(Object.keys(faults[name].changes)))
    return result
  } finally {
    removeFolder(folder)
  }
}

const timeout = 120_000

/** A seed by which every kill comes right after an answer. */
const afterAnswers = 131

/** A part of the scenario of `writes`, killed at each commit from this one on, until something is found. */
const fromCommit = (from: number, part: Part, env: Env) => tortureWrites({ seed: 1, every: 1, from, parts: [part], untilBroken: true, env })

/** A part of that scenario once, without a kill. */
const once = (part: Part, env: Env) => fromCommit(10_000, part, env)

it('answers before the commit are found: a kill loses what was answered', { timeout }, async () => {
  const { lost } = await withFault('answers before the commit', (env) =>
    tortureByKilling({ seed: afterAnswers, kills: 2, clients: 2, env }),
  )
  expect(lost).toBeGreaterThan(0)
})

it('commits that are not flushed are found, which no kill would show', { timeout }, async () => {
  const { broken } = await withFault('commits are not flushed', (env) => once('key', env))
  expect(broken).toContainEqual(expect.stringContaining('not safe from a power cut'))
})

it('an admission decided from a cache is found: no order explains the answers', { timeout }, async () => {
  const result = await withFault('admission from a cache', (env) =>
    tortureLinearizability({ seed: 1, histories: 60, untilBroken: true, env }),
  )
  expect(result.counterexample).toBeDefined()
})

it('a missing savepoint is found: half of a change remains', { timeout }, async () => {
  const { halves } = await withFault('no savepoint', (env) => tortureByBadWrites({ seed: 1, rounds: 3, env }))
  expect(halves).toBeGreaterThan(0)
})

it('a savepoint around the whole group is found: a bad write takes others along', { timeout }, async () => {
  const { victims } = await withFault('one savepoint for all', (env) => tortureByBadWrites({ seed: 1, rounds: 3, env }))
  expect(victims).toBeGreaterThan(0)
})

it('recorded steps that run again are found by the process that counts the calls', { timeout }, async () => {
  const { broken } = await withFault('recorded steps run again', (env) => fromCommit(5, 'key', env))
  expect(broken).toContainEqual(expect.stringMatching(/"repeated":[1-9]/))
})

it('an effect before its cause is recorded is found: after a kill the cause comes again', { timeout }, async () => {
  const { broken } = await withFault('effects before their cause is recorded', (env) => fromCommit(4, 'key', env))
  expect(broken).toContainEqual(expect.stringMatching(/"repeated":[1-9]/))
})

it('crashes that are not counted are found: a step that is running in each of them runs again and again', { timeout }, async () => {
  const { excessive } = await withFault('crashes are not counted', (env) => tortureByKilling({ seed: 1, kills: 7, clients: 1, env }))
  expect(excessive).toBeGreaterThan(0)
})

it('events told before their commit are found: a stream, joined over a kill, is not what is stored', { timeout }, async () => {
  const { broken } = await withFault('events before their commit', (env) => fromCommit(5, 'stream', env))
  expect(broken).toContainEqual(expect.stringContaining('joined, is not what is stored'))
})

it('event ids that are used again after a crash are found: a stream, joined over a kill, is not what is stored', { timeout }, async () => {
  const { broken } = await withFault('event ids are used again', (env) => fromCommit(6, 'stream', env))
  expect(broken).toContainEqual(expect.stringContaining('joined, is not what is stored'))
})

it('a cancel that is answered before the call is aborted is found by the model that goes on', { timeout }, async () => {
  const { broken } = await withFault('cancels answered before the abort', (env) => once('cancel', env))
  expect(broken).toContainEqual(expect.stringContaining('before the call of the model was aborted'))
})

it('a retry that does not wait is found', { timeout }, async () => {
  const { broken } = await withFault('retries come at once', (env) => once('retry', env))
  expect(broken).toContainEqual(expect.stringMatching(/"hasty":[1-9]/))
})

it('counters that are written apart from the end are found by a kill between the two', { timeout }, async () => {
  const { broken } = await withFault('counters in a commit of their own', (env) => fromCommit(6, 'key', env))
  expect(broken).toContainEqual(expect.stringContaining('counts'))
})

it('a key that is written apart from what it stands for is found by a kill between the two', { timeout }, async () => {
  const { broken } = await withFault('claims in a commit of their own', (env) => fromCommit(3, 'key', env))
  expect(broken).toContainEqual(expect.stringContaining('executed twice'))
})

it('a trail whose head is remembered is found: changes are refused that share a commit with a bad one', { timeout }, async () => {
  const { victims } = await withFault('the head of the trail is remembered', (env) => tortureByBadWrites({ seed: 1, rounds: 10, env }))
  expect(victims).toBeGreaterThan(0)
})

it('a trail that is written apart from the changes is found by a kill between the two', { timeout }, async () => {
  const { broken } = await withFault('entries of the trail in a commit of their own', (env) => fromCommit(1, 'name', env))
  expect(broken).toContainEqual(expect.stringContaining('the trail says of'))
})

it('a restart that thaws what is frozen is found: a model is called before anybody asked for it', { timeout }, async () => {
  const { broken } = await withFault('a restart thaws', (env) => fromCommit(4, 'freeze', env))
  expect(broken).toContainEqual(expect.stringContaining('a frozen execution'))
})

it('results that a full disk makes forgotten are found: their steps are called again', { timeout }, async ({ skip }) => {
  const reason = whyNoSmallDisk()
  if (reason) skip(reason)
  const { broken } = await withFault('results forgotten on a full disk', (env) => tortureByFullDisk({ seed: 1, rounds: 1, env }))
  expect(broken).toContainEqual(expect.stringContaining('called again'))
})

it('an error of the disk that is taken for a refusal is found: the server goes on', { timeout }, async () => {
  const { broken } = await withFault('an error of the disk means undone', (env) => tortureByFailingDisk({ seed: 1, rounds: 1, env }))
  expect(broken).toContainEqual(expect.stringContaining('still running'))
})

it('a server that accepts whatever comes is found: it refuses nothing, and hundreds wait at a time', { timeout }, async () => {
  const { refused, accepted, done } = await withFault('no load is shed', (env) => tortureByOverload({ seconds: 4, env }))
  expect(refused.count).toBe(0)
  // How many wait at a time (Little's law); it does not depend on how fast the machine is.
  expect((accepted.p50 / 1_000) * done).toBeGreaterThan(700)
})

it('an address that is taken for a fault of the server is found', { timeout }, async () => {
  const { broken } = await withFault('an address that cannot be read', (env) => tortureByFuzzing({ seed: 1, requests: 3_000, env }))
  expect(broken).toContainEqual(expect.stringContaining('it is 500'))
})
