import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderOperations, type Description } from '../scripts/client-operations.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../test/support/server.ts'

describe('the calls of the client', () => {
  const folder = temporaryFolder()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(folder)
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(folder)
  })

  it('are those that the server describes; otherwise run `node scripts/client-operations.ts`', async () => {
    const description = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description
    expect(readFileSync(join(import.meta.dirname, 'operations.ts'), 'utf8')).toBe(renderOperations(description))
  })
})
