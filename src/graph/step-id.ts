/** What has a meaning in the ids of steps: `each[0]/sum`, `lead#1.2/helper#1`, `a>b`, `:variables`. */
const OWN = /[#/[\]>:%]/g

/** A node's id as it stands in the ids of steps: two steps must never have one id. */
export function stepIdOf(nodeId: string): string {
  return nodeId.replace(OWN, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
