import { call, until, type Answer } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { listAll, listExecutions, type ListedExecution } from './history.ts'
import { Random } from './random.ts'

export interface RedeployOptions {
  seed: number
  redeploys: number
  clients?: number
}

export interface RedeployResult {
  torture: 'redeploys'
  seed: number
  redeploys: number
  executions: number
  /** Executions that ran while at least one redeploy was answered. */
  overtaken: number
  /** What was not as it was promised. */
  broken: string[]
  seconds: number
}

const NAME = 'redeployed'
const agents = (variant: number) => ({
  agents: [{ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: `Variant ${variant}.` } }],
})

interface Asked {
  /** The newest release whose deploy was answered before, and the newest that may have been made after. */
  oldest: number
  newest: number
  answer: Answer
}

/**
 * Redeploys one name again and again, of two workflows in turn, while clients execute it: short ones all the time, and some that take
 * longer than several redeploys. None may be refused or lost, none begin on a release that served no more, and none move to another.
 */
export async function tortureByRedeploys({ seed, redeploys, clients = 8 }: RedeployOptions): Promise<RedeployResult> {
  const began = performance.now()
  const folder = temporaryFolder()
  const server = await startServer(folder, { LOG_LEVEL: 'error' })
  try {
    const play = new Play(server.url, new Random(seed))
    await play.begin()
    await play.run(redeploys, clients)
    const broken = await play.check()
    const { executions, overtaken } = play
    return {
      torture: 'redeploys',
      seed,
      redeploys,
      executions,
      overtaken,
      broken,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }
  } finally {
    await server.kill()
    removeFolder(folder)
  }
}

class Play {
  readonly #url: string
  readonly #random: Random
  readonly #asked: Asked[] = []
  #workflows: string[] = []
  /** Answered and begun deploys, by the numbers of their releases. */
  #answered = 0
  #begun = 0
  #isOver = false

  constructor(url: string, random: Random) {
    this.#url = url
    this.#random = random
  }

  get executions(): number {
    return this.#asked.length
  }

  get overtaken(): number {
    return this.#asked.filter(({ oldest, newest }) => newest > oldest).length
  }

  async begin(): Promise<void> {
    this.#workflows = await Promise.all(
      [0, 1].map(async (variant) => {
        const workflow = { name: `variant ${variant}`, configuration: agents(variant) }
        return (await call(this.#url, 'POST', '/api/workflows', workflow)).body.workflow_id as string
      }),
    )
    await this.#deploy()
  }

  async run(redeploys: number, clients: number): Promise<void> {
    const running = Array.from({ length: clients }, (_, index) => this.#client(index === 0))
    for (let count = 0; count < redeploys; count++) await this.#deploy()
    this.#isOver = true
    await Promise.all(running)
  }

  async #deploy(): Promise<void> {
    const number = ++this.#begun
    const path = `/api/workflows/${this.#workflows[number % 2]!}/deploy`
    const { status, body } = await call(this.#url, 'POST', path, { deployment_name: NAME })
    if (status !== 200 || body.release.number !== number) throw new Error(`deploy ${number} gave ${status}: ${JSON.stringify(body)}`)
    this.#answered = number
  }

  async #client(isSlow: boolean): Promise<void> {
    while (!this.#isOver) {
      const oldest = this.#answered
      const query = isSlow || this.#random.next() < 0.05 ? 'take 1 second' : 'at once'
      const answer = await call(this.#url, 'POST', '/api/workflows/execute', { deployment_name: NAME, query })
      this.#asked.push({ oldest, newest: this.#begun, answer })
    }
  }

  async check(): Promise<string[]> {
    const broken = this.#asked.flatMap((asked) => faultsOf(asked))
    const all = () => listExecutions(this.#url, `deployment_name=${NAME}`) as Promise<(ListedExecution & { release: number })[]>
    await until(async () => (await all()).every(({ ended_at }) => ended_at !== null), 'all executions to end', 60_000)
    const stored = new Map((await all()).map((one) => [one.execution_id, one.release]))
    for (const { answer } of this.#asked) {
      const { execution_id, release } = answer.body
      if (stored.get(execution_id) !== release)
        broken.push(`${execution_id} of release ${release} is stored as of ${stored.get(execution_id)}`)
    }
    if (stored.size !== this.#asked.length) broken.push(`${this.#asked.length} were answered and ${stored.size} are stored`)
    const releases = await listAll<{ number: number }>(this.#url, `/api/workflows/deployments/${NAME}/releases?limit=500`)
    if (releases.length !== this.#begun) broken.push(`${this.#begun} were deployed and ${releases.length} are listed`)
    return broken
  }
}

function faultsOf({ oldest, newest, answer: { status, body } }: Asked): string[] {
  if (status !== 200) return [`refused with ${status}: ${JSON.stringify(body)}`]
  const { release, response } = body as { release: number; response: string }
  const faults = release < oldest || release > newest ? [`ran on ${release} while ${oldest} to ${newest} served`] : []
  // An odd release is of the second workflow, and says so by its instructions.
  return response.includes(`Variant ${release % 2}.`) ? faults : [...faults, `release ${release} answered: ${response}`]
}
