// Plays the world outside of the examples: a shop with orders, sales, articles, refunds and a place for webhooks.
// It needs nothing but Node, listens on this machine only, and forgets everything when it ends.
//
//   node examples/outside.js              on port 8100, or PORT
//   curl localhost:8100/received          what was sent to it, in the order in which it came
//   curl -X PUT localhost:8100/mood -d '"broken"'     answers 503 from now on; "slow" takes 20 s, "fine" is as before
import { createServer } from 'node:http'

const SLOW_MS = 20_000
const MOST_BYTES = 1_000_000

const orders = [
  { id: 1001, customer: 'Ada', total: 24.5, status: 'sent', arrives: '2026-02-03', items: ['a teapot'] },
  { id: 1002, customer: 'Grace', total: 180, status: 'delivered', items: ['a typewriter'] },
  { id: 1003, customer: 'Edsger', total: 60, status: 'refunded', items: ['a lamp'] },
]
const sales = [
  { product: 'teapot', price: 24.5, count: 3 },
  { product: 'typewriter', price: 180, count: 1 },
  { product: 'lamp', price: 60, count: 4 },
]
const articles = [
  { title: 'Tea in winter', text: 'Tea is drunk warmer and more often in winter.' },
  { title: 'Old typewriters', text: 'Typewriters are bought by people who write letters.' },
]

/** Every POST, repeated ones included. */
const received = []
/** What was paid back, by the key of the request: one that comes again is answered again and not paid again. */
const refunds = new Map()
let mood = 'fine'

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.destroy())
})

async function serve(request, response) {
  const { method, headers } = request
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const text = await readBody(request)
  const answer = (status, body) => {
    if (response.destroyed) return
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  if (pathname === '/received') return answer(200, received)
  if (pathname === '/mood' && method === 'PUT') {
    mood = JSON.parse(text)
    return answer(200, { mood })
  }
  if (method === 'POST') received.push({ path: pathname, headers, body: JSON.parse(text || 'null') })
  if (mood === 'broken') return answer(503, { error: 'The shop is closed for repair.' })
  if (mood === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS).unref())
  if (pathname === '/sales') return answer(200, { sales })
  if (pathname === '/articles')
    return answer(
      200,
      articles.filter((article) => isAbout(article, searchParams.get('about') ?? '')),
    )
  if (pathname.startsWith('/orders/')) return answerOrder(answer, pathname)
  if (pathname === '/refunds' && method === 'POST') return answerRefund(answer, headers['idempotency-key'], JSON.parse(text))
  if (pathname === '/hooks' && method === 'POST') return answer(200, {})
  return answer(404, { error: 'There is nothing here.' })
}

async function readBody(request) {
  const pieces = []
  let bytes = 0
  for await (const piece of request) {
    bytes += piece.length
    if (bytes > MOST_BYTES) throw new Error('too long')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

function isAbout({ title }, question) {
  return title
    .toLowerCase()
    .split(' ')
    .some((word) => question.toLowerCase().includes(word))
}

function answerOrder(answer, pathname) {
  const found = orders.find(({ id }) => pathname === `/orders/${id}`)
  return found ? answer(200, found) : answer(404, { error: 'There is no such order.' })
}

function answerRefund(answer, key, { order, amount }) {
  const before = refunds.get(key)
  if (before) return answer(200, before)
  if (orders.find(({ id }) => id === order)?.status === 'refunded') return answer(409, { error: 'It was refunded before.' })
  const refund = { refund_id: `R-${refunds.size + 1}`, order, amount }
  refunds.set(key ?? `without a key, ${refunds.size}`, refund)
  return answer(200, refund)
}

server.listen(Number(process.env.PORT ?? 8100), '127.0.0.1', () => {
  console.log(`The world outside  http://127.0.0.1:${server.address().port}`)
})
