import type { Terminal } from './terminal.ts'
import { toLines, toTable, type Column } from './table.ts'

export type Format = 'table' | 'wide' | 'name' | 'json' | 'jsonl' | 'yaml'

/** How people see what programs get as it is. */
export interface TableView<Row> {
  columns: readonly Column<Row>[]
  name: (row: Row) => string
  /** What is said instead of an empty table. */
  nothing: string
}

export interface ItemView<Item> {
  name: (item: Item) => string
  lines: (item: Item) => readonly (readonly [string, unknown])[]
}

/** Prints data in the format that was asked for; machine formats carry it as the API gave it. */
export class Show {
  readonly format: Format
  readonly #terminal: Terminal

  constructor(format: Format, terminal: Terminal) {
    this.format = format
    this.#terminal = terminal
  }

  /** Whether programs read it. */
  get isForPrograms(): boolean {
    return ['json', 'jsonl', 'yaml'].includes(this.format)
  }

  async list<Row>(rows: readonly Row[], { columns, name, nothing }: TableView<Row>): Promise<void> {
    if (await this.#data(rows)) return
    if (this.format === 'name') return rows.forEach((row) => this.#terminal.line(name(row)))
    if (rows.length === 0) return this.#terminal.say(nothing)
    const shown = columns.filter(({ wide }) => !wide || this.format === 'wide')
    this.#terminal.line(toTable(rows, shown, this.format === 'wide' ? Number.POSITIVE_INFINITY : this.#terminal.width))
  }

  async item<Item>(item: Item, { name, lines }: ItemView<Item>): Promise<void> {
    if (await this.#data(item)) return
    this.#terminal.line(this.format === 'name' ? name(item) : toLines(lines(item)))
  }

  /** What was done: the whole answer for programs, a sentence for people. */
  async done(answer: unknown, sentence: string, name: string): Promise<void> {
    if (await this.#data(answer)) return
    this.#terminal.line(this.format === 'name' ? name : sentence)
  }

  async #data(value: unknown): Promise<boolean> {
    if (this.format === 'json') this.#terminal.line(JSON.stringify(value, null, 2))
    else if (this.format === 'jsonl') for (const one of Array.isArray(value) ? value : [value]) this.#terminal.line(JSON.stringify(one))
    else if (this.format === 'yaml') this.#terminal.write(await toYaml(value))
    else return false
    return true
  }
}

/** Long texts on lines of their own, nothing folded, no anchors. */
export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
