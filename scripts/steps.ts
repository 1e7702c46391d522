// What `npm test` runs, in this order: cheap and telling first, the browser last.
import { docsCheck } from './check-docs.ts';
import { errorsCheck } from './check-errors.ts';
import { importsCheck } from './check-imports.ts';
import { linksCheck } from './check-links.ts';
import { rulesCheck } from './check-rules.ts';
import { styleCheck } from './check-style.ts';
import { treeCheck } from './check-tree.ts';
import { ensureChromium } from './lib/chromium.ts';
import { runCommand } from './lib/command.ts';
import { ensureNginx } from './lib/nginx.ts';
import { ensurePostgres } from './lib/postgres.ts';
import { ensureRedis } from './lib/redis.ts';
import { checkStep, commandStep, type Step, vitestStep } from './lib/step.ts';

const pageTimeoutMs = 120_000;

/** `filters` narrow the tests to files whose path contains one of them. */
export function listSteps(filters: readonly string[], say: (line: string) => void): Step[] {
  return [
    commandStep('format', 'biome', ['check', '--colors=off', '.']),
    commandStep('lint', 'oxlint', ['--deny-warnings']),
    // From scratch: the incremental record does not notice a changed `lib`, and passes what is wrong.
    commandStep('types', 'tsc', ['-b', '--force', '--pretty', 'false']),
    checkStep(importsCheck),
    checkStep(styleCheck),
    checkStep(rulesCheck),
    checkStep(errorsCheck),
    checkStep(linksCheck),
    checkStep(docsCheck),
    checkStep(treeCheck),
    // On its own Node, without the condition: it looks at what `types` built, as a user gets it.
    commandStep('public names', 'node', ['scripts/check-exports.ts']),
    commandStep('size', 'node', ['scripts/check-size.ts']),
    commandStep('unused code', 'knip', ['--no-progress', '--no-config-hints']),
    commandStep('packages', 'node', ['scripts/check-packages.ts']),
    vitestStep('unit tests', {
      projects: ['unit', 'dom'],
      filters,
      timeoutMs: 420_000,
      prepare: () => prepareServers(say),
    }),
    vitestStep('end-to-end tests', {
      projects: ['e2e', 'e2e-paced', 'e2e-waiting', 'e2e-alone'],
      filters,
      timeoutMs: 600_000,
      prepare: async () =>
        (await prepareServers(say)) ?? (await ensureNginx(say)) ?? prepareBrowser(say),
    }),
  ];
}

async function prepareServers(say: (line: string) => void): Promise<string | undefined> {
  return (await ensurePostgres(say)) ?? ensureRedis(say);
}

async function prepareBrowser(say: (line: string) => void): Promise<string | undefined> {
  const missing = await ensureChromium(say);
  if (missing !== undefined) return missing;
  const page = await runCommand('node', ['scripts/bootstrap.mjs', 'page'], {
    timeoutMs: pageTimeoutMs,
  });
  return page.code === 0 ? undefined : page.output;
}
