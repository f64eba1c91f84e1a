import { TestEngine } from '../../../test/support/engine.ts'
import { describeEngine } from '../conformance.ts'

describeEngine('SQLite', () => TestEngine.start())
