import type { Command } from '../frame/command.ts'
import { applyCommands } from './apply.ts'
import { deploymentCommands } from './deployments.ts'
import { executionCommands } from './executions.ts'
import { lifeCycleCommands } from './life-cycle.ts'
import { localCommands } from './local.ts'
import { releaseCommands } from './releases.ts'
import { settingsCommands } from './settings.ts'
import { workflowCommands } from './workflows.ts'

/** Every command that talks to a server, in the order in which people read of them. */
export const commands: readonly Command[] = [
  ...workflowCommands,
  ...deploymentCommands,
  ...lifeCycleCommands,
  ...releaseCommands,
  ...executionCommands,
  ...applyCommands,
  ...settingsCommands,
  ...localCommands,
]
