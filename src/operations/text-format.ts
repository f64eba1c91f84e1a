import type { Metric } from './metric.ts'

/** The text format of Prometheus, version 0.0.4, which every collector of metrics reads. */
export const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'

/** @param isShown asked of each line by the labels that it has; without it everything is shown */
export function toTextFormat(
  metrics: readonly Metric[],
  isShown: (labels: readonly string[], values: readonly string[]) => boolean = () => true,
): string {
  let text = ''
  for (const metric of metrics) {
    const { name, type, help, labels } = metric
    text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
    metric.collect((values, value, part = '') => {
      if (!isShown(labels, values)) return
      const names = part === '_bucket' ? [...labels, 'le'] : labels
      text += `${name}${part}${formatLabels(names, values)} ${formatNumber(value)}\n`
    })
  }
  return text
}

function formatLabels(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return ''
  let text = ''
  for (const [index, name] of names.entries()) text += `${index === 0 ? '{' : ','}${name}="${escapeLabel(values[index]!)}"`
  return `${text}}`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(value: string): string {
  // Nearly none has anything to escape, and there are thousands.
  return /["\\\n]/.test(value) ? escapeHelp(value).replaceAll('"', '\\"') : value
}

function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}
