/** What works on the data folder itself (src/main.ts), for those who complete a word or misspell one. */
export const localPaths = [
  'serve',
  'backup',
  'key create',
  'key list',
  'key revoke',
  'audit verify',
  'audit export',
  'secret keygen',
  'secret keys',
  'secret rotate',
] as const
