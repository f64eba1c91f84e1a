import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { call, type Answer } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'

export interface BadWritesOptions {
  seed: number
  rounds: number
  env?: Record<string, string>
}

export interface BadWritesResult {
  torture: 'bad-writes'
  seed: number
  rounds: number
  /** Deploys that failed in their middle, as they must. */
  failed: number
  /** Requests beside them that were not answered as they should. */
  victims: number
  /** Deploys that failed and of which something remained. */
  halves: number
  seconds: number
}

/** Requests at once, so that the bad ones share their commit with others. */
const COMPANIONS = 12
const FORERUNNERS = 4

/**
 * Deploys fail in the middle of their change, by a trigger in the database that refuses their last row, while others
 * execute and deploy in the same commits. A bad write must fail alone, and leave nothing.
 */
export async function tortureByBadWrites({ seed, rounds, env = {} }: BadWritesOptions): Promise<BadWritesResult> {
  const began = performance.now()
  const folder = temporaryFolder()
  const server = await startServer(folder, { LOG_LEVEL: 'silent', ...env })
  const result: BadWritesResult = { torture: 'bad-writes', seed, rounds, failed: 0, victims: 0, halves: 0, seconds: 0 }
  try {
    const serving = await deployAgents(server, [{ agent_id: 'a', config: { model: 'demo/echo' } }])
    refusePlanted(join(folder, '.agent-studio/agent-studio.db'))
    const studio = new Studio(server.url, await findWorkflow(server.url, serving), serving)
    for (let round = 0; round < rounds; round++) await playRound(studio, `bad-${seed}-${round}`, result)
    return { ...result, seconds: Math.round((performance.now() - began) / 100) / 10 }
  } finally {
    await server.kill()
    removeFolder(folder)
  }
}

class Studio {
  readonly #url: string
  readonly #workflowId: string
  readonly serving: string

  constructor(url: string, workflowId: string, serving: string) {
    this.#url = url
    this.#workflowId = workflowId
    this.serving = serving
  }

  deploy(deployment_name: string, deployed_by: string): Promise<Answer> {
    const body = { deployment_name, deployed_by, runtime_config: { timeout: 60 }, force: true }
    return call(this.#url, 'POST', `/api/workflows/${this.#workflowId}/deploy`, body)
  }

  execute(): Promise<Answer> {
    return call(this.#url, 'POST', '/api/workflows/execute', { deployment_name: this.serving, query: 'go' })
  }

  look(name: string): Promise<Answer> {
    return call(this.#url, 'GET', `/api/workflows/deployments/${name}`)
  }
}

async function findWorkflow(url: string, name: string): Promise<string> {
  return (await call(url, 'GET', `/api/workflows/deployments/${name}`)).body.workflow.workflow_id
}

async function playRound(studio: Studio, name: string, result: BadWritesResult): Promise<void> {
  const before = (await studio.look(studio.serving)).body
  // Some are there already when a bad one has the group rolled back; one alone might have been committed before.
  const first = Array.from({ length: FORERUNNERS }, (_, index) => studio.deploy(`${name}-first-${index}`, 'somebody'))
  const bad = [studio.deploy(name, PLANTED), studio.deploy(studio.serving, PLANTED)]
  const good = Array.from({ length: COMPANIONS }, (_, index) =>
    index % 4 === 0 ? studio.deploy(`${name}-${index}`, 'somebody') : studio.execute(),
  )
  result.failed += (await Promise.all(bad)).filter(({ body }) => body.code === 'internal_error').length
  result.victims += (await Promise.all([...first, ...good])).filter(({ status }) => status !== 200).length

  const after = await studio.look(studio.serving)
  if (after.body.release?.number !== before.release?.number || after.body.release === undefined) result.halves++
  if ((await studio.look(name)).status !== 404) result.halves++
  // A name of which something remained would go on from there.
  if ((await studio.deploy(name, 'somebody')).body.release?.number !== 1) result.halves++
}

const PLANTED = 'planted'

/** The release is the last but one row that a deploy writes. */
function refusePlanted(file: string): void {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database.exec(
    `create trigger planted before insert on releases when new.created_by = '${PLANTED}' begin select raise(abort, 'planted'); end`,
  )
  database.close()
}
