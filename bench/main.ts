// npm run bench: measures this server beside what the machine could do at best, in one run.
import { version } from '../src/version.ts'
import { measureColdStart } from './cold-start.ts'
import { figures } from './figures/index.ts'
import { Load } from './load/load.ts'
import { describeMachine } from './machine.ts'
import { measure, type Measured } from './measure.ts'
import { explainOptions, readOptions, type Options } from './options.ts'
import { countErrors, toText, type Report } from './report.ts'
import { Room } from './room.ts'

const say = (what: string): void => console.error(what)

async function bench(room: Room, options: Options): Promise<Report> {
  const machine = describeMachine(room.makeFolder())
  say('cold start')
  const coldStart = await measureColdStart(room, options.rounds)
  const load = new Load(room)
  const measured: Measured[] = []
  for (const figure of figures) {
    if (figure.name.includes(options.only)) measured.push(await measure(figure, load, room, options, say))
  }
  return { at: new Date().toISOString(), version, machine, options, figures: measured, coldStart, errors: countErrors(measured) }
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
    if (report.errors > 0) process.exitCode = 1
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
