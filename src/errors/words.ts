/** How the sentences of several errors put it. */

export const seconds = (count: number) => `${count} ${count === 1 ? 'second' : 'seconds'}`

export const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ') || 'any environment'

export const numbers = (word: string, all: readonly number[]) => `${word}${all.length === 1 ? '' : 's'} ${all.join(', ')}`
