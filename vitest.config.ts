import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'client/**/*.test.ts', 'cli/**/*.test.ts', 'test/**/*.test.ts'],
    // Most tests wait for a process of their own; two files at a time keep two cores busy.
    maxWorkers: 2,
    // Suites that start a whole process need more than the default of 5 s on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
