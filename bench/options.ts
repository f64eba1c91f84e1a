import { parseArgs } from 'node:util'

export interface Options {
  /** Of each round. */
  seconds: number
  /** Each figure is the median of so many. */
  rounds: number
  connections: number[]
  json: boolean
  /** Only figures whose name contains this. */
  only: string
}

const usage = `npm run bench -- [options]

  --seconds 2            length of a round
  --rounds 3             rounds of each figure, which is their median
  --connections 1,32,128
  --only echo            only figures whose name contains this
  --quick                rounds of half a second
  --json                 one JSON document on stdout`

/** @throws an error with the usage, for the terminal */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '1,32,128' },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  return {
    seconds: positive(values.seconds ?? (values.quick ? '0.5' : '2')),
    rounds: Math.ceil(positive(values.rounds)),
    connections: values.connections.split(',').map((text) => Math.ceil(positive(text))),
    json: values.json,
    only: values.only,
  }
}

export function explainOptions(error: unknown): string {
  return `${(error as Error).message}\n\n${usage}`
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < 10_000)) throw new Error(`'${text}' is no positive number.`)
  return value
}
