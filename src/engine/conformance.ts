import { afterEach, beforeEach, describe } from 'vitest'
import type { EngineUnderTest } from '../../test/support/engine.ts'
import { describeAdmission } from './conformance/admission.ts'
import { describeAgents } from './conformance/agents.ts'
import { describeConversations } from './conformance/conversations.ts'
import { describeConversationTurns } from './conformance/conversation-turns.ts'
import { describeDispatcher } from './conformance/dispatcher.ts'
import { describeExecution } from './conformance/execution.ts'
import { describeFailingBodies } from './conformance/failing-bodies.ts'
import { describeFreeze } from './conformance/freeze.ts'
import { describeFreezeAndThaw } from './conformance/freeze-and-thaw.ts'
import { describeFullDisk } from './conformance/full-disk.ts'
import { describeGraph } from './conformance/graph.ts'
import { describeNotifications } from './conformance/notifications.ts'
import { describeLaterProcess } from './conformance/later-process.ts'
import { describeLimits } from './conformance/limits.ts'
import { describeRest } from './conformance/rest.ts'
import { describeResume } from './conformance/resume.ts'
import { describeSignals } from './conformance/signals.ts'
import { describeTools } from './conformance/tools.ts'

/**
 * What every engine promises (P1 to P3 and P5), as tests: an adapter of the journal and of the dispatcher passes them all.
 * Crashes here are those of a process that stops writing; test/torture kills real ones.
 */
export function describeEngine(name: string, make: () => Promise<EngineUnderTest>): void {
  describe(`the engine on ${name}`, () => {
    let engine: EngineUnderTest
    beforeEach(async () => {
      engine = await make()
    })
    afterEach(() => engine.close())
    const current = (): EngineUnderTest => engine

    describeExecution(current)
    describeAgents(current)
    describeGraph(current)
    describeNotifications(current)
    describeFailingBodies(current)
    describeAdmission(current)
    describeLaterProcess(current)
    describeRest(current)
    describeFreeze(current)
    describeFreezeAndThaw(current)
    describeSignals(current)
    describeTools(current)
    describeResume(current)
    describeFullDisk(current)
    describeLimits(current)
    describeDispatcher(current)
    describeConversations(current)
    describeConversationTurns(current)
  })
}
