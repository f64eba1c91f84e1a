import { parseArgs } from 'node:util'

export interface Options {
  /** Of each round. */
  seconds: number
  /** Each figure is the median of so many. */
  rounds: number
  connections: number[]
  /** In the long history. */
  executions: number
  quick: boolean
  json: boolean
  /** Only parts whose name contains this. */
  only: string
  /** A target that is missed is an error. */
  strict: boolean
}

const usage = `npm run bench -- [options]

  --seconds 2            length of a round
  --rounds 3             rounds of each figure, which is their median
  --connections 1,32,128
  --executions 1000000   in the database with a long history
  --only three           only parts whose name contains this
  --quick                rounds of half a second at 32 and 128 connections, a tenth of the history
  --strict               exit with 1 when a target is missed
  --json                 one JSON document on stdout`

/** @throws an error with the usage, for the terminal */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      connections: { type: 'string' },
      executions: { type: 'string' },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { quick, strict, json, only } = values
  return {
    seconds: positive(values.seconds ?? (quick ? '0.5' : '2')),
    rounds: Math.ceil(positive(values.rounds)),
    connections: (values.connections ?? (quick ? '32,128' : '1,32,128')).split(',').map((text) => Math.ceil(positive(text))),
    executions: Math.ceil(positive(values.executions ?? (quick ? '100000' : '1000000'))),
    quick,
    strict,
    json,
    only,
  }
}

export function explainOptions(error: unknown): string {
  return `${(error as Error).message}\n\n${usage}`
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 100_000_000)) throw new Error(`'${text}' is no positive number.`)
  return value
}
