import type { Figure } from '../figure.ts'
import { echo } from './echo.ts'
import { modelCall } from './model-call.ts'

export const figures: readonly Figure[] = [echo, modelCall]
