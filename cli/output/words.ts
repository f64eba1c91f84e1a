/** How long ago, in one unit: `3 min ago`. */
export function ago(time: string | null | undefined, now = Date.now()): string | undefined {
  if (time === null || time === undefined) return undefined
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1_000))
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ]
  for (const [length, unit] of units) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`
  return `${seconds} s ago`
}

/** Between two times: `240 ms`, `2.4 s`, `3 min 20 s`. */
export function lasted(from: string | null | undefined, to: string | null | undefined): string | undefined {
  if (!from || !to) return undefined
  const ms = Date.parse(to) - Date.parse(from)
  if (ms < 1_000) return `${ms} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
