// One configuration for every test of the workspace, as six projects:
// `unit` (Node), `dom` (happy-dom, for what renders), `e2e` (tests/, real servers and a real Chromium), `e2e-paced` (those
// of them that wait for times to pass, which those that work all the time make longer: apart from them, two at a time),
// `e2e-waiting` (those that do hardly anything else: many at a time leave a small machine idle still) and `e2e-alone`
// (those that measure times or memory and work for it: one file at a time, so that figures mean something).
// Workspace packages resolve to their sources through the `@millrace/source` condition.
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { TEST_BROWSER } from './scripts/lib/chromium.ts';
import { tooSlow } from './tests/support/timing.ts';

const conditions = ['@millrace/source', ...defaultServerConditions];

const paced = [
  'tests/cluster/cluster.test.ts',
  'tests/e2e/{desk-live,desk-nodes,desk-restart,desk-runs,mid-life,tabs}.test.ts',
];

const waiting = [
  'tests/matrix/{ladder,migration,overload,presence,publish,state,storm}.test.ts',
  'tests/nodes/presence.test.ts',
  'tests/runs/{kill,model-faults}.test.ts',
  'tests/proof/{half-open,ordering}.test.ts',
  'tests/e2e/publish.test.ts',
];

const alone = [
  'tests/e2e/ladder.test.ts',
  'tests/runs/stop.test.ts',
  'tests/proof/{churn,slow-readers,storm}.test.ts',
];

// Unit tests of one worker share their modules (`isolate: false`): two hundred files would else load Desk, the SDK and React
// anew, a minute of CPU in all. What a test changes of the process it puts back.

/** Half of the time a file waits for a server, a clock or a network. By default two cores get one worker. */
const workers = { unit: 3, endToEnd: 3, paced: 2, waiting: 5 };

const shared = {
  globalSetup: 'scripts/lib/vitest-test-data.ts',
  execArgv: ['--conditions=@millrace/source'],
  // A test that needs more than this waits on something that will not come.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Fixed, so that a formatted date or time is the same on every machine.
  env: { TZ: 'UTC' },
};

const endToEnd = {
  environment: 'node',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  retry: { count: 2, condition: tooSlow },
  env: { ...shared.env, CHROMIUM_PATH: process.env['CHROMIUM_PATH'] ?? TEST_BROWSER },
} as const;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'unit',
          maxWorkers: workers.unit,
          isolate: false,
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
          maxWorkers: workers.unit,
          isolate: false,
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
          ...endToEnd,
          name: 'e2e',
          maxWorkers: workers.endToEnd,
          include: ['tests/**/*.test.{ts,tsx}'],
          exclude: [...paced, ...waiting, ...alone],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          ...endToEnd,
          name: 'e2e-paced',
          maxWorkers: workers.paced,
          include: paced,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          ...endToEnd,
          name: 'e2e-waiting',
          maxWorkers: workers.waiting,
          include: waiting,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          ...endToEnd,
          name: 'e2e-alone',
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
