import { InvalidInput, NodeExists } from '../errors.ts'
import { isObject } from '../graph/definition.ts'

/**
 * A copy of the configuration with one more item in one of its lists; all else in it stays as it came.
 * @throws NodeExists for an agent whose id is taken, InvalidInput where the configuration holds something else than a list
 */
export function addToList(
  configuration: Record<string, unknown>,
  key: 'agents' | 'connections',
  item: Record<string, unknown>,
): Record<string, unknown> {
  const list = configuration[key] ?? []
  if (!Array.isArray(list)) {
    const message = `'${key}' in the configuration is not a list, so nothing can be added to it.`
    throw new InvalidInput({ errors: [{ pointer: `/configuration/${key}`, code: 'wrong_type', message }] })
  }
  if (key === 'agents' && list.some((one) => isObject(one) && one['agent_id'] === item['agent_id'])) {
    throw new NodeExists({ node_id: String(item['agent_id']) })
  }
  return { ...configuration, [key]: [...list, item] }
}
