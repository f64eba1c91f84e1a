import { allOf, anyOf, condition, not, oneOf, reference } from './combinations.ts'
import type { Keyword } from './keyword.ts'
import { contains, items, itemsCount, unevaluatedItems, uniqueItems } from './lists.ts'
import { bounds, multipleOf } from './numbers.ts'
import { dependencies, members, membersCount, propertyNames, required, unevaluatedProperties } from './objects.ts'
import { format, length, pattern } from './texts.ts'
import { constant, enumeration, type, unsupported } from './values.ts'

/**
 * JSON Schema 2020-12, and of the drafts before it what schemas in use still have: `items` as a list, `additionalItems`, `dependencies`.
 * Keywords that it does not know are remarks, as the standard says. What looks at everything else comes last.
 */
export const keywords: readonly Keyword[] = [
  unsupported,
  type,
  constant,
  enumeration,
  bounds,
  multipleOf,
  length,
  pattern,
  format,
  required,
  members,
  membersCount,
  propertyNames,
  dependencies,
  items,
  itemsCount,
  uniqueItems,
  contains,
  reference,
  allOf,
  anyOf,
  oneOf,
  not,
  condition,
  unevaluatedProperties,
  unevaluatedItems,
]
