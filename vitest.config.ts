import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.js'],
    testTimeout: 60_000,
    // Native threads and models are shared per process: forks keep a crash in one file from hiding the others.
    pool: 'forks',
    maxWorkers: 2,
    env: { ORT_DISABLE_TELEMETRY: '1' },
  },
});
