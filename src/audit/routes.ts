import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { KeyInvalid } from '../errors.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, sendPage } from '../http/cursor.ts'
import { readTime } from '../http/query-time.ts'
import { Type } from '../http/type.ts'
import type { Db } from '../store/store.ts'
import { toEntry } from './entry.ts'
import { exportLines } from './export.ts'
import { listEntries, type Position } from './list-repository.ts'
import { AuditEntry, ExportQuery, ListQuery } from './schemas.ts'

const tags = ['audit']

export function registerAuditRoutes(app: App, { read }: { read: Db }): void {
  app.get(
    '/api/audit',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listAudit',
        summary: 'Look at the trail: who changed what',
        description:
          'Newest first. Every change of every object, with what was there before and what is there instead. It stays when the object is deleted.',
        tags,
        querystring: ListQuery,
        response: { 200: Type.Array(AuditEntry) },
      },
    },
    async (request, reply) => {
      const { cursor, limit = DEFAULT_PAGE, from, to, ...filter } = request.query
      const after = decodeCursor(cursor, isPosition)
      const times = { from: readTime(from, '?from'), to: readTime(to, '?to') }
      const rows = await listEntries(read, { filter: { ...filter, ...times }, reach: request.caller, after, limit: limit + 1 })
      return sendPage(request, reply, rows, limit, ({ at, seq }) => ({ at, seq })).map(toEntry)
    },
  )

  app.get(
    '/api/audit/export',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'exportAudit',
        summary: 'Export the trail',
        description:
          'Oldest first, an entry a line. Each has a `hash`: the SHA-256 of the RFC 8785 form of its line without it, which holds the hash of the entry before; `agent-studio audit verify` checks the chain.',
        tags,
        querystring: ExportQuery,
        response: {
          200: { description: 'JSON lines', content: { 'application/x-ndjson': { schema: Type.Unsafe<Readable>({ type: 'string' }) } } },
        },
      },
    },
    async (request, reply) => {
      const { after = 0 } = request.query
      reply.header('content-disposition', 'attachment; filename="audit.jsonl"').type('application/x-ndjson')
      // Fastify would read it all to answer a HEAD.
      if (request.method === 'HEAD') return reply.send(Readable.from([]))
      const lines = whileAdmitted(request, exportLines(read, { after, reach: request.caller }))
      return reply.send(Readable.from(lines, { objectMode: false }))
    },
  )
}

/** An export may take minutes. It breaks off when the key that it was asked for with is revoked. */
async function* whileAdmitted(request: FastifyRequest, lines: AsyncIterable<string>): AsyncGenerator<string, void> {
  for await (const some of lines) {
    if (!request.isStillAdmitted()) throw new KeyInvalid({})
    yield some
  }
}

function isPosition(value: unknown): value is Position {
  const position = value as Partial<Position> | null
  return typeof position?.at === 'number' && typeof position.seq === 'number'
}
