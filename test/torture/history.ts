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

/** All of them, newest first. @param filter a query such as `deployment_name=x` */
export async function listExecutions(url: string, filter = ''): Promise<ListedExecution[]> {
  const found: ListedExecution[] = []
  for (let path: string | undefined = `/api/executions?limit=500&${filter}`; path;) {
    const page = await call(url, 'GET', path)
    found.push(...(page.body as ListedExecution[]))
    path = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1]
  }
  return found
}

/** How many executions have not ended. */
export async function countInFlight(url: string): Promise<number> {
  const { body } = await call(url, 'GET', '/api/workflows/deployments?limit=500')
  return (body as { in_flight: Record<string, number> }[])
    .flatMap(({ in_flight }) => Object.values(in_flight))
    .reduce((sum, count) => sum + count, 0)
}

/**
 * @param model whose held calls are let go of, also those that come meanwhile
 * @returns how many executions had not ended when patience ran out: 0, if all is well
 */
export async function waitForEnds(url: string, model?: ModelProcess, ms = 60_000): Promise<number> {
  const haveEnded = async (): Promise<boolean> => {
    await model?.release()
    return (await countInFlight(url)) === 0
  }
  await until(haveEnded, 'every execution to end', ms).catch(() => undefined)
  return countInFlight(url)
}

/** Works on all items, a few at a time. */
export async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>, atOnce = 8): Promise<void> {
  const left = items.values()
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
