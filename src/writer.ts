// The writing thread's main module: the one place, beside main.ts, that knows every command.
import { parentPort } from 'node:worker_threads'
import { serveWrites } from './store/sqlite/writer-thread.ts'
import { accessCommands } from './access/repository.ts'
import { agentCommands } from './agents/repository.ts'
import { configureCommands } from './deployments/configure-repository.ts'
import { promotionCommands } from './deployments/promote-repository.ts'
import { proposalCommands } from './deployments/proposal-repository.ts'
import { releaseCommands } from './deployments/release-repository.ts'
import { deploymentCommands } from './deployments/repository.ts'
import { rerunCommands } from './deployments/rerun-repository.ts'
import { rollbackCommands } from './deployments/rollback-repository.ts'
import { trafficCommands } from './deployments/traffic-repository.ts'
import { stopCommands } from './deployments/stop-repository.ts'
import { exampleCommands } from './example-repository.ts'
import { inFlightCommands } from './executions/in-flight-repository.ts'
import { removalCommands } from './executions/removal-repository.ts'
import { signalCommands } from './executions/signal-repository.ts'
import { journalCommands } from './engine/sqlite/journal-commands.ts'
import { idempotencyCommands } from './idempotency/repository.ts'
import { operationCommands } from './operations/repository.ts'
import { secretCommands } from './secrets/repository.ts'
import { storeCommands } from './store/sqlite/give-back.ts'
import { variableCommands } from './variables/repository.ts'
import { webhookCommands } from './webhooks/repository.ts'
import { workflowCommands } from './workflows/repository.ts'

serveWrites(parentPort!, [
  ...accessCommands,
  ...agentCommands,
  ...configureCommands,
  ...deploymentCommands,
  ...exampleCommands,
  ...idempotencyCommands,
  ...inFlightCommands,
  ...journalCommands,
  ...operationCommands,
  ...promotionCommands,
  ...proposalCommands,
  ...releaseCommands,
  ...removalCommands,
  ...rerunCommands,
  ...rollbackCommands,
  ...signalCommands,
  ...stopCommands,
  ...secretCommands,
  ...storeCommands,
  ...trafficCommands,
  ...variableCommands,
  ...webhookCommands,
  ...workflowCommands,
])
