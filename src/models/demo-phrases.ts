/** What the demo model does when its instructions (the system prompt, or the last message of the user) contain a phrase. */
export interface DemoPhrase {
  phrase: string
  effect: string
}

/** For the docs and the studio. The patterns below read them, without regard to case. */
export const demoPhrases: readonly DemoPhrase[] = [
  { phrase: 'fail once', effect: 'The first attempt of each model call fails after some text; its retry succeeds.' },
  { phrase: 'always fail', effect: 'Each attempt fails, so the execution fails when its retries are used up.' },
  { phrase: 'fail for good', effect: 'The call is refused, which is not retried.' },
  { phrase: 'take N seconds', effect: 'The answer comes after so long: a number from 0 to 3600, as in "take 2.5 seconds".' },
  { phrase: 'without pauses', effect: 'Its text comes at once instead of word by word.' },
  { phrase: 'call no tools', effect: 'It answers at once, whatever tools it has.' },
  { phrase: 'call tool NAME', effect: 'It calls only that tool instead of each tool it has. May be written several times.' },
]

export interface DemoInstructions {
  fail: 'never' | 'once' | 'always' | 'for good'
  waitMs: number
  hurries: boolean
  callsTool(name: string): boolean
  /** Whether a tool is asked for by its name. */
  names(tool: string): boolean
}

const longestWaitSeconds = 3600

/** The last message of the user is looked at first: what somebody asks now counts more than the system prompt. */
export function readInstructions(system: string, asked: string): DemoInstructions {
  const first = (pattern: RegExp) => pattern.exec(asked) ?? pattern.exec(system)
  const failing = first(/\b(?:fail (once|for good)|(always) fail)\b/i)
  const seconds = Number(first(/\btake (\d+(?:\.\d+)?) ?(?:seconds?|s)\b/i)?.[1] ?? 0)
  const named = [...`${system}\n${asked}`.matchAll(/\bcall tool ["'`]?([\w.-]*\w)/gi)].map((match) => match[1])
  const none = first(/\bcall no tools?\b/i) !== null
  return {
    fail: (failing?.[1] ?? failing?.[2] ?? 'never').toLowerCase() as DemoInstructions['fail'],
    waitMs: Math.min(seconds, longestWaitSeconds) * 1000,
    hurries: first(/\bwithout pauses\b/i) !== null,
    callsTool: (name) => !none && (named.length === 0 || named.includes(name)),
    names: (tool) => named.includes(tool),
  }
}
