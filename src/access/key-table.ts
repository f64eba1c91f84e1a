import type { KeyView } from './view.ts'

const HEADINGS = ['ID', 'NAME', 'STATUS', 'SCOPES', 'ENVIRONMENTS', 'DEPLOYMENTS', 'EXPIRES', 'LAST USED']

/** One line for each key, in columns. */
export function toKeyTable(keys: readonly KeyView[]): string {
  const rows = [HEADINGS, ...keys.map(toRow)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function toRow({ key_id, name, status, scopes, environments, deployment_pattern, expires_at, last_used_at }: KeyView): string[] {
  return [
    key_id,
    // What people write must not move the cursor of whoever reads it.
    name.replaceAll(/\p{C}/gu, '?'),
    status,
    scopes.join(','),
    environments?.join(',') ?? 'all',
    deployment_pattern ?? 'all',
    toMinute(expires_at) ?? 'never',
    toMinute(last_used_at) ?? 'never',
  ]
}

function toMinute(time: string | null): string | undefined {
  return time?.replace(/^(.{10})T(.{5}).*$/, '$1 $2Z')
}
