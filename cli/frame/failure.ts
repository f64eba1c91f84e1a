import { AnswerNotUnderstood, ServerUnreachable, StudioProblem } from '@agent-studio/client'
import { CommandFailed, EXIT, type ExitCode } from './exit.ts'

/** Whatever was thrown, as what the command line says about it. */
export function toFailure(error: unknown): CommandFailed {
  if (error instanceof CommandFailed) return error
  if (error instanceof StudioProblem) return ofProblem(error)
  if (error instanceof ServerUnreachable) {
    return new CommandFailed(EXIT.unreachable, 'server_unreachable', error.message, {
      next: `Does the server run? Start it with 'agent-studio serve', or name another one with --url; 'agent-studio doctor' looks closer.`,
    })
  }
  if (error instanceof AnswerNotUnderstood) {
    return new CommandFailed(EXIT.unreachable, 'answer_not_understood', error.message, {
      next: `'agent-studio whoami' says where the address comes from.`,
    })
  }
  return new CommandFailed(EXIT.bug, 'internal_error', error instanceof Error ? (error.stack ?? error.message) : String(error), {
    next: `This is a fault of agent-studio. Please report it with what 'agent-studio doctor' prints.`,
  })
}

function ofProblem(problem: StudioProblem): CommandFailed {
  const { code, message, requestId, executionId, errors } = problem
  return new CommandFailed(exitOf(problem), code, message, { next: nextOf(problem), requestId, executionId, errors })
}

/** What is an answer rather than a refusal of the call. */
const ANSWERS_NO = new Set(['workflow_invalid', 'promotion_refused'])
/** What cannot be done as things are. */
const CONFLICTS = new Set(['environment_protected'])

function exitOf({ status, code, executionId }: StudioProblem): ExitCode {
  if (ANSWERS_NO.has(code)) return EXIT.no
  if (CONFLICTS.has(code)) return EXIT.conflict
  if (status === 404) return EXIT.notFound
  if (status === 401 || status === 403) return EXIT.signIn
  if (status === 409 || status === 412) return EXIT.conflict
  if (status === 429 || status === 503 || status === 507) return EXIT.unreachable
  if (status === 500) return EXIT.bug
  // A model or a tool failed, or took too long: the execution is there to be looked at.
  if (executionId !== undefined || status === 502 || status === 504) return EXIT.no
  return EXIT.usage
}

function nextOf({ status, code, executionId }: StudioProblem): string | undefined {
  if (code === 'key_missing') return `Set AGENT_STUDIO_API_KEY, or keep a key with 'agent-studio profile set <name> --key-stdin'.`
  if (code === 'key_invalid') return `'agent-studio whoami' says where the key comes from.`
  if (code === 'scope_missing') return `A key with that scope is made with 'agent-studio key create --scopes …' on the server's machine.`
  if (code === 'workflow_invalid') return `Mend the definition; 'agent-studio workflow validate' checks it without a deploy.`
  if (executionId !== undefined) return `agent-studio exec get ${executionId}`
  if (status === 404 && code.startsWith('deployment')) return `'agent-studio deployment list' shows what there is.`
  if (status === 404 && code.startsWith('workflow')) return `'agent-studio workflow list' shows what there is.`
  if (status === 404 && code.startsWith('execution')) return `'agent-studio exec list' shows what there is.`
  if (status === 429 || status === 503) return 'Try again in a moment.'
  return undefined
}

/** As it is printed for programs: one object on the standard error output. */
export function toErrorDocument({ code, message, details }: CommandFailed): object {
  const { next = null, requestId = null, executionId, errors = [] } = details
  return {
    error: { code, message, next, requestId, ...(executionId !== undefined && { executionId }), ...(errors.length > 0 && { errors }) },
  }
}
