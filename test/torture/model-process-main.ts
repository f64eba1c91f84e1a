// A model provider in a process of its own. It counts the calls, which are the effects that executions have outside of
// the server, and nobody kills it.
import { startScriptedModel } from '../support/scripted-model.ts'
import { behaviours } from './behaviours.ts'
import type { CountedCall, Question } from './model-process.ts'
import { Random } from './random.ts'

const random = new Random(Number(process.argv[2]))
const calls: CountedCall[] = []
const runs = new Map<string, number>()
let hold = Promise.withResolvers<void>()

const model = await startScriptedModel()
model.always((body, request) => {
  // The bodies of a long torture would fill the memory.
  model.requests.length = 0
  const behaviour = behaviours[body.model ?? '']
  if (!behaviour) return { status: 404, body: { error: { message: `No behaviour is named ${body.model}.` } } }
  const key = String(request.headers['idempotency-key'])
  const run = (runs.get(key) ?? 0) + 1
  runs.set(key, run)
  const call: CountedCall = { key, model: body.model!, order: calls.length + 1, at: Date.now(), state: 'open' }
  calls.push(call)
  void request.ended.then((state) => (call.state = state))
  return behaviour({ body, run, random, released: hold.promise })
})

process.on('message', ({ id, question }: { id: number; question: Question }) => {
  if (question === 'release') {
    hold.resolve()
    hold = Promise.withResolvers<void>()
  }
  process.send!({ id, calls: question === 'calls' ? calls : [] })
})
// Whoever started it is gone, however that came.
process.on('disconnect', () => process.exit())
process.send!({ baseUrl: model.baseUrl })
