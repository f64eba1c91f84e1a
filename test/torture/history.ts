import { call, until } from '../support/api.ts'
import type { ModelProcess } from './model-process.ts'

/** An execution as the list shows it; the fields that tortures look at. */
export interface ListedExecution {
  execution_id: string
  deployment_id: string
  deployment_name: string
  status: string
  ended_at: string | null
  error: { code: string } | null
}

/** A whole list, page by page. */
export async function listAll<Item>(url: string, path: string): Promise<Item[]> {
  const found: Item[] = []
  for (let next: string | undefined = path; next;) {
    const page = await call(url, 'GET', next)
    found.push(...(page.body as Item[]))
    next = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1]
  }
  return found
}

/** All of them, newest first. @param filter a query such as `deployment_name=x` */
export function listExecutions(url: string, filter = ''): Promise<ListedExecution[]> {
  return listAll(url, `/api/executions?limit=500&${filter}`)
}

export interface ListedDeployment {
  deployment_id: string
  deployment_name: string
  execution_count: number
  error_count: number
  in_flight: Record<string, number>
}

/** @param part of their names */
export function listDeployments(url: string, part: string): Promise<ListedDeployment[]> {
  return listAll(url, `/api/workflows/deployments?limit=500&q=${part}`)
}

/** How many executions have not ended, of deployments with this part in their names. */
async function countInFlight(url: string, part: string): Promise<number> {
  return (await listDeployments(url, part)).flatMap(({ in_flight }) => Object.values(in_flight)).reduce((sum, count) => sum + count, 0)
}

export interface WaitOptions {
  /** Its held calls are let go of, also those that come meanwhile. */
  model?: ModelProcess
  /** Only deployments with this part in their names. */
  part?: string
}

/** @returns how many executions had not ended when patience ran out: 0, if all is well */
export async function waitForEnds(url: string, { model, part = '' }: WaitOptions = {}): Promise<number> {
  const haveEnded = async (): Promise<boolean> => {
    await model?.release()
    return (await countInFlight(url, part)) === 0
  }
  await until(haveEnded, 'every execution to end', 60_000).catch(() => undefined)
  return countInFlight(url, part)
}

/** Works on all items, a few at a time. */
export async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>, atOnce = 8): Promise<void> {
  const left = items.values()
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
