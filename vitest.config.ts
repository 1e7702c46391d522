// One configuration for every test of the workspace, as three projects:
// `unit` (Node), `dom` (happy-dom, for what renders) and `e2e` (tests/, real servers and a real
// Chromium, one file at a time so that timings mean something on a small machine).
// Workspace packages resolve to their sources through the `@millrace/source` condition.
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const conditions = ['@millrace/source', ...defaultServerConditions];

const shared = {
  execArgv: ['--conditions=@millrace/source'],
  // A test that needs more than this waits on something that will not come.
  testTimeout: 15_000,
  hookTimeout: 30_000,
  // Fixed, so that a formatted date or time is the same on every machine.
  env: { TZ: 'UTC' },
};

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    passWithNoTests: false,
    // Half of the time a file waits for a server, a clock or a network; by default two cores get one worker.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'unit',
          environment: 'node',
          include: [
            'packages/{protocol,client,server,ai}/src/**/*.test.ts',
            'apps/desk/{server,shared}/**/*.test.ts',
            'scripts/**/*.test.ts',
            'bench/**/*.test.ts',
            'examples/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'dom',
          environment: 'happy-dom',
          include: [
            'packages/{react,ui}/src/**/*.test.{ts,tsx}',
            'apps/desk/web/**/*.test.{ts,tsx}',
          ],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'e2e',
          environment: 'node',
          include: ['tests/**/*.test.{ts,tsx}'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
