// @ts-check
// What both sides hold to: the server, and the process in which users' code runs. Plain JavaScript like everything in this folder, because a
// process that had to take types off first would start in twice the time and be twice as large.

/** Bytes of JSON that a program may be given. */
export const INPUT_LIMIT = 10_000_000

/** Bytes of JSON that a program may return. */
export const OUTPUT_LIMIT = 1_000_000

/** How deep that JSON may be nested: as deep as the body of a request. */
export const DEPTH_LIMIT = 64

/** Characters that are kept of what a program logs, in all. */
export const LOG_LIMIT = 32_000

/** Texts that are kept of what a program logs. */
export const LOG_ENTRIES = 1_000

/** Characters of an error's name and message, and of its stack. */
export const TEXT_LIMIT = 2_000
