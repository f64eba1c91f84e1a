// The writing thread's main module: the one place, beside main.ts, that knows every command.
import { parentPort, workerData } from 'node:worker_threads'
import { serveWrites } from './store/sqlite/writer-thread.ts'
import { agentCommands } from './agents/repository.ts'
import { deploymentCommands } from './deployments/repository.ts'
import { exampleCommands } from './example.ts'
import { executionCommands } from './executions/repository.ts'
import { journalCommands } from './engine/sqlite/journal-commands.ts'
import { workflowCommands } from './workflows/repository.ts'

serveWrites(parentPort!, (workerData as { file: string }).file, [
  ...agentCommands,
  ...deploymentCommands,
  ...exampleCommands,
  ...executionCommands,
  ...journalCommands,
  ...workflowCommands,
])
