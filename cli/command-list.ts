import { commands } from './catalogue/commands.ts'
import { overview } from './frame/help.ts'

/** A line for each command, for the help of everything. */
export function commandList(): string[] {
  const lines = overview(commands.filter(({ hidden }) => !hidden))
  const width = Math.max(...lines.map(([call]) => call.length))
  return lines.map(([call, text]) => `  agent-studio ${call.padEnd(width)}   ${text}`)
}
