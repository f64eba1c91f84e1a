const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether a path parameter can be an id at all. Where it cannot, there is no such thing: the route answers its 404. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}
