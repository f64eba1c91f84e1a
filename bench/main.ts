// npm run bench: measures this server beside what the machine could do at best, in one run.
import { version } from '../src/version.ts'
import { figures } from './figures/index.ts'
import { Load } from './load/load.ts'
import { describeMachine } from './machine.ts'
import { measure, type Bench, type Measured } from './measure.ts'
import { explainOptions, readOptions, type Options } from './options.ts'
import { parts } from './parts/index.ts'
import { countErrors, countMissed, toText, type MeasuredPart, type Report } from './report.ts'
import { Room } from './room.ts'

const say = (what: string): void => console.error(what)

async function bench(room: Room, options: Options): Promise<Report> {
  const began = performance.now()
  const machine = describeMachine(room.makeFolder())
  const tools: Bench = { room, load: new Load(room), options, say }
  const isWanted = ({ name }: { name: string }): boolean => name.includes(options.only)
  const measuredParts: MeasuredPart[] = []
  for (const part of parts.filter(isWanted)) measuredParts.push({ name: part.name, values: await part.measure(tools) })
  const measured: Measured[] = []
  for (const figure of figures.filter(isWanted)) measured.push(await measure(figure, tools))
  return {
    at: new Date().toISOString(),
    version,
    machine,
    options,
    figures: measured,
    parts: measuredParts,
    errors: countErrors(measured),
    seconds: (performance.now() - began) / 1000,
  }
}

async function main(): Promise<void> {
  const options = optionsOrExit()
  const room = new Room()
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void room.close().then(() => process.exit(code)))
  }
  try {
    const report = await bench(room, options)
    console.log(options.json ? JSON.stringify(report, null, 2) : toText(report))
    if (report.errors > 0 || (options.strict && countMissed(report) > 0)) process.exitCode = 1
  } finally {
    await room.close()
  }
}

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(explainOptions(error))
    process.exit(2)
  }
}

await main()
