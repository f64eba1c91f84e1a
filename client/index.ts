export { AgentStudio, type Answer, type Beginning, type CallOptions, type Input, type Listing, type Operation } from './client.ts'
export {
  AnswerText,
  isContent,
  isLast,
  isRetry,
  isStatus,
  type ContentEvent,
  type FurtherEvent,
  type RetryEvent,
  type StatusEvent,
  type StudioEvent,
} from './events.ts'
export type { FollowOptions } from './follow.ts'
export type * from './operations.ts'
export { AnswerNotUnderstood, ServerUnreachable, StudioError, StudioProblem, type InputProblem, type ProblemDetails } from './problem.ts'
export type { Question, Retry, TransportOptions } from './transport.ts'
