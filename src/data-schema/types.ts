export const TYPES = ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object'] as const

export type JsonType = (typeof TYPES)[number]

export function isOfType(value: unknown, type: JsonType): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'integer':
      return Number.isInteger(value)
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    default:
      return typeof value === type
  }
}
