import { ConversationBusy, type LimitState, type StudioError } from '../../errors.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import { DEFAULT_MEMORY, MOST_IN_CONVERSATION, NOTHING, turnOf, type Memory } from '../conversation.ts'
import type { ExecutionIdentity, RuntimeConfig } from '../journal.ts'

/**
 * Whose turn it is in a conversation, decided in the transactions that begin executions, from the rows themselves. An execution
 * that is part of none costs one comparison.
 */

export interface Conversation extends Pick<ExecutionIdentity, 'deployment_id' | 'workflow_id' | 'environment'> {
  session_id: string
  /** Two keys never see each other's turns. */
  api_key_id: string | null
}

export interface Turn {
  /** 0: somebody else has it, or came before. */
  session_turn: 0 | 1
  remembered: string | null
}

/** Neither `is ?` nor `limit ?`: SQLite prepares a query that has them anew whenever it is run. */
function queriesFor(key: 'api_key_id = ?' | 'api_key_id is null') {
  // Drafts have no deployment, so a workflow in an environment stands for it.
  const conversation = `
    session_id = ? and deployment_id = ? and ${key} and (deployment_id <> '' or (workflow_id = ? and environment = ?))`
  const inFlight = `${conversation} and session_turn is not null and ended_at is null`
  return {
    countInFlight: `select count(*) as count from (select 1 from executions where ${inFlight} limit ${MOST_IN_CONVERSATION + 1})`,
    before: `select 1 from executions where ${inFlight} and execution_id <> ? and (session_turn = 1 or execution_id < ?) limit 1`,
    oldest: `select execution_id, session_turn from executions where ${inFlight} order by session_turn desc, execution_id limit 1`,
    // Those with a response are those that completed.
    turns: `
      select octet_length(request) as bytes, json_extract(request, '$.query') as query, response from executions
      where ${conversation} and session_turn is not null and response is not null order by execution_id desc`,
  }
}

const ofKey = queriesFor('api_key_id = ?')
const withoutKey = queriesFor('api_key_id is null')

function about({ session_id, deployment_id, api_key_id, workflow_id, environment }: Conversation) {
  const values = [session_id, deployment_id, ...(api_key_id === null ? [] : [api_key_id]), workflow_id, environment]
  return { ...(api_key_id === null ? withoutKey : ofKey), values }
}

/**
 * The turn of an execution that is being admitted.
 * @param brings its request says itself what was said before
 * @returns undefined where the deployment remembers nothing
 * @throws ConversationBusy when no more may wait
 */
export function enterConversation(
  connection: SqliteConnection,
  conversation: Conversation,
  { memory = DEFAULT_MEMORY }: Pick<RuntimeConfig, 'memory'>,
  brings: boolean,
): Turn | undefined {
  if (memory.turns === 0) return undefined
  const { countInFlight, values } = about(conversation)
  const { count } = connection.prepare(countInFlight).get(...values) as { count: number }
  if (count > MOST_IN_CONVERSATION) throw busy(conversation)
  if (count > 0) return { session_turn: 0, remembered: brings ? NOTHING : null }
  return { session_turn: 1, remembered: brings ? NOTHING : recallTurns(connection, conversation, memory) }
}

function busy({ session_id }: Conversation): StudioError {
  const reached: LimitState = { policy: 'conversation', quota: MOST_IN_CONVERSATION, remaining: 0 }
  return new ConversationBusy({ session_id, reached, retry_after: 1 })
}

interface Waiting extends Conversation {
  remembered: string | null
  runtime_config: string
}

const waitingForTurn = `
  select session_id, deployment_id, api_key_id, workflow_id, environment, remembered, runtime_config from executions
  where execution_id = ? and session_turn = 0 and ended_at is null`

/**
 * Gives an execution that goes on its turn, if it has none yet and there is one to be had.
 * @returns undefined where there is nothing to give; `behind`: others have it, or come before
 */
export function takeTurn(connection: SqliteConnection, executionId: string): Pick<Turn, 'remembered'> | 'behind' | undefined {
  const waiting = connection.prepare(waitingForTurn).get(executionId) as unknown as Waiting | undefined
  if (!waiting) return undefined
  const { before, values } = about(waiting)
  if (connection.prepare(before).get(...values, executionId, executionId)) return 'behind'
  const { memory = DEFAULT_MEMORY } = JSON.parse(waiting.runtime_config) as RuntimeConfig
  return { remembered: waiting.remembered ?? recallTurns(connection, waiting, memory) }
}

/**
 * Requests carry more than a question, and it takes a millisecond to find that in some hundred kilobytes: after so much of them
 * nothing older is looked at.
 */
const MOST_BYTES = 8_000_000

/** The newest turns that fit, as a whole, oldest first. */
function recallTurns(connection: SqliteConnection, conversation: Conversation, memory: Memory): string {
  const newest = []
  let { characters } = memory
  let bytes = MOST_BYTES
  const { turns, values } = about(conversation)
  for (const row of connection.prepare(turns).iterate(...values)) {
    const { query, response } = row as { query: string; response: string }
    characters -= query.length + response.length
    if (characters < 0) break
    newest.push(turnOf(query, response))
    bytes -= row['bytes'] as number
    if (bytes < 0 || newest.length === memory.turns) break
  }
  return newest.length === 0 ? NOTHING : JSON.stringify(newest.toReversed().flat())
}

const conversationOf = `
  select session_id, deployment_id, api_key_id, workflow_id, environment from executions where execution_id = ? and session_turn is not null`

/** Whose turn it is now that this execution has ended; undefined where nobody waits, or somebody has it. */
export function nextInConversation(reader: SqliteConnection, endedId: string): string | undefined {
  const conversation = reader.prepare(conversationOf).get(endedId) as unknown as Conversation | undefined
  if (!conversation) return undefined
  const { oldest, values } = about(conversation)
  const next = reader.prepare(oldest).get(...values) as { execution_id: string; session_turn: 0 | 1 } | undefined
  return next?.session_turn === 0 ? next.execution_id : undefined
}
