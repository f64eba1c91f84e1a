/**
 * A strict reader of the text format of Prometheus (version 0.0.4): whatever a collector might refuse, or take for
 * something else than was meant, is an error that names its line.
 */
export interface ReadMetric {
  type: string
  help: string
  samples: ReadSample[]
}

export interface ReadSample {
  /** With the part, such as `_sum`. */
  name: string
  labels: Record<string, string>
  value: number
}

const TYPES = new Set(['counter', 'gauge', 'histogram'])
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|$)/y
const NUMBER = /^(?:[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/
/** Prometheus has times in seconds and sizes in bytes. */
const OTHER_UNITS = /_(?:ms|millis|milliseconds|minutes|hours|kb|kilobytes|mb|megabytes|percent)(?:_|$)/

export function readMetrics(text: string): Map<string, ReadMetric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const reader = new Reader()
  for (const [index, line] of text.slice(0, -1).split('\n').entries()) {
    try {
      reader.read(line)
    } catch (error) {
      throw new Error(`line ${index + 1}, ${JSON.stringify(line)}: ${(error as Error).message}`, { cause: error })
    }
  }
  for (const [name, metric] of reader.metrics) if (metric.type === 'histogram') checkHistogram(name, metric)
  return reader.metrics
}

class Reader {
  readonly metrics = new Map<string, ReadMetric>()
  readonly #series = new Set<string>()
  #name = ''
  #current: ReadMetric | undefined

  read(line: string): void {
    if (line.startsWith('# HELP ')) this.#readHelp(line)
    else if (line.startsWith('# TYPE ')) this.#readType(line)
    else this.#readSample(line)
  }

  #readHelp(line: string): void {
    const [, name, help] = /^# HELP (\S+) (.+)$/.exec(line) ?? refuse('no help')
    if (this.metrics.has(name!)) refuse('its metric was there before')
    if (!/^[A-Z].*\.$/.test(help!)) refuse('the help is no sentence')
    if (OTHER_UNITS.test(name!)) refuse('the unit is no base unit')
    this.#name = name!
    this.#current = { type: '', help: help!, samples: [] }
    this.metrics.set(name!, this.#current)
  }

  #readType(line: string): void {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? refuse('no type')
    if (name !== this.#name || !this.#current || this.#current.type) refuse('the type does not follow its help')
    if (!TYPES.has(type!)) refuse('there is no such type')
    if ((type === 'counter') !== name!.endsWith('_total')) refuse('counters end in _total, and nothing else does')
    this.#current!.type = type!
  }

  #readSample(line: string): void {
    const [, name, labelText, number] = SAMPLE.exec(line) ?? refuse('no sample')
    const metric = this.#current
    if (!metric?.type) return refuse('a sample without help and type')
    const parts = metric.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    if (!parts.some((part) => name === this.#name + part)) refuse(`it does not belong to ${this.#name}`)
    if (!NUMBER.test(number!)) refuse('no number')
    const labels = labelText === undefined ? {} : readLabels(labelText)
    const series = name + keyOf(labels)
    if (this.#series.has(series)) refuse('the series was there before')
    this.#series.add(series)
    const value = Number(number!.replace('Inf', 'Infinity'))
    if (metric.type !== 'gauge' && value < 0) refuse('it is negative')
    metric.samples.push({ name: name!, labels, value })
  }
}

function readLabels(text: string): Record<string, string> {
  if (text === '') refuse('braces without labels')
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value = '', comma] = LABEL.exec(text) ?? refuse('broken labels')
    if (name in labels || name.startsWith('__')) refuse('a label that cannot be')
    if (comma === ',' && LABEL.lastIndex === text.length) refuse('a comma too many')
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  }
  return labels
}

function checkHistogram(name: string, { samples }: ReadMetric): void {
  const withoutBound = (labels: ReadSample['labels']) => Object.entries(labels).filter(([label]) => label !== 'le')
  const byLabels = Map.groupBy(samples, ({ labels }) => JSON.stringify(withoutBound(labels)))
  for (const [labels, lines] of byLabels) {
    const buckets = lines.filter((line) => line.name === `${name}_bucket`)
    const bounds = buckets.map((line) => Number(line.labels['le']!.replace('+Inf', 'Infinity')))
    const counts = buckets.map((line) => line.value)
    const ascends = (numbers: number[], strictly: boolean) =>
      numbers.every((each, index) => index === 0 || each > numbers[index - 1]! || (!strictly && each === numbers[index - 1]))
    const problem = [
      bounds.at(-1) !== Infinity && 'the last bucket is not +Inf',
      !ascends(bounds, true) && 'the bounds do not ascend',
      !ascends(counts, false) && 'the counts are not cumulative',
      lines.find((line) => line.name === `${name}_count`)?.value !== counts.at(-1) && 'the count is not that of the last bucket',
      !lines.some((line) => line.name === `${name}_sum`) && 'there is no sum',
    ].find(Boolean)
    if (problem) throw new Error(`${name}${labels}: ${problem}`)
  }
}

function refuse(why: string): never {
  throw new Error(why)
}

/** The value of one series; undefined where there is none. @param name with the part, such as `_count` */
export function valueOf(metrics: Map<string, ReadMetric>, name: string, labels: Record<string, string> = {}): number | undefined {
  const metric = metrics.get(name) ?? metrics.get(name.replace(/_(?:bucket|sum|count)$/, ''))
  const wanted = keyOf(labels)
  return metric?.samples.find((sample) => sample.name === name && keyOf(sample.labels) === wanted)?.value
}

/** The same for the same labels, in whatever order. */
function keyOf(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map((pair) => JSON.stringify(pair))
  return `{${pairs.toSorted().join()}}`
}
