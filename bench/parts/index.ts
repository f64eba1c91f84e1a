import type { Part } from '../part.ts'
import { coldStart } from './cold-start.ts'
import { heapGrowth } from './heap-growth.ts'
import { longHistory } from './history.ts'
import { sandbox } from './sandbox.ts'
import { graph } from './graph.ts'
import { openStreams } from './streams.ts'
import { templates } from './templates.ts'

export const parts: readonly Part[] = [coldStart, openStreams, heapGrowth, longHistory, sandbox, graph, templates]
