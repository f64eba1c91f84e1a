import type { Figure } from '../figure.ts'
import { modelCall, slowModelCall } from './model-call.ts'
import { threeSteps } from './three-steps.ts'
import { withHistory } from './with-history.ts'

export const figures: readonly Figure[] = [threeSteps, modelCall, slowModelCall, withHistory]
