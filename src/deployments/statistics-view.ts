import { toTimestamp } from '../clock.ts'
import type { Statistics } from '../executions/statistics-repository.ts'

export interface StatisticsView extends Omit<Statistics, 'since'> {
  since: string
  executions: number
  error_rate: number | null
}

export function toStatisticsView(statistics: Statistics): StatisticsView {
  const { since, completed, failed, cancelled } = statistics
  const judged = completed + failed
  return {
    ...statistics,
    since: toTimestamp(since),
    executions: judged + cancelled,
    error_rate: judged === 0 ? null : failed / judged,
  }
}
