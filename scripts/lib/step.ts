// A step of `npm test`: something with a name that passes or fails, or a run of tests that counts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Check, formatFinding } from './check.ts';
import { runCommand } from './command.ts';
import { reportVariable, type SkippedTest, type TestReport } from './vitest-report.ts';

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly SkippedTest[];
  /** Titles of tests that passed when they were run again. */
  readonly repeated: readonly string[];
  /** Shown only when something failed. */
  readonly output: string;
}

export interface Step {
  readonly name: string;
  readonly kind: 'check' | 'tests';
  /** At most this long; the whole run has a limit of its own. */
  readonly timeoutMs: number;
  readonly run: (timeoutMs: number) => Promise<Outcome>;
}

const checkTimeoutMs = 120_000;

/** One outcome for a whole check: it holds or it does not. */
export function verdict(holds: boolean, output: string): Outcome {
  return { passed: holds ? 1 : 0, failed: holds ? 0 : 1, skipped: [], repeated: [], output };
}

export function checkStep(check: Check): Step {
  return {
    name: check.name,
    kind: 'check',
    timeoutMs: checkTimeoutMs,
    async run() {
      const findings = await check.run(process.cwd());
      return verdict(findings.length === 0, findings.map(formatFinding).join('\n'));
    },
  };
}

export function commandStep(name: string, file: string, args: readonly string[]): Step {
  return {
    name,
    kind: 'check',
    timeoutMs: checkTimeoutMs,
    async run(timeoutMs) {
      const { code, output } = await runCommand(file, args, { timeoutMs });
      return verdict(code === 0, output);
    },
  };
}

export interface VitestStepOptions {
  readonly projects: readonly string[];
  readonly filters: readonly string[];
  readonly timeoutMs: number;
  /** Returns what stands in the way, if something does. */
  readonly prepare?: () => Promise<string | undefined>;
}

export function vitestStep(name: string, options: VitestStepOptions): Step {
  return {
    name,
    kind: 'tests',
    timeoutMs: options.timeoutMs,
    async run(timeoutMs) {
      const obstacle = await options.prepare?.();
      if (obstacle !== undefined) return verdict(false, obstacle);
      const folder = mkdtempSync(join(tmpdir(), 'millrace-report-'));
      try {
        return await runVitest(join(folder, 'report.json'), options, timeoutMs);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

async function runVitest(
  reportFile: string,
  { projects, filters }: VitestStepOptions,
  timeoutMs: number,
): Promise<Outcome> {
  const args = [
    'run',
    ...projects.map((project) => `--project=${project}`),
    '--reporter=default',
    '--reporter=./scripts/lib/vitest-report.ts',
    ...filters,
  ];
  const env = { [reportVariable]: reportFile };
  const { code, output } = await runCommand('vitest', args, { timeoutMs, env });
  const report = readReport(reportFile);
  if (report === undefined) return verdict(false, output);
  // A run that ends badly without a failed test (no test found, a leaked handle) is a failure too.
  const failed = code === 0 ? report.failed : Math.max(1, report.failed);
  return { ...report, failed, output };
}

function readReport(file: string): TestReport | undefined {
  try {
    const report: TestReport = JSON.parse(readFileSync(file, 'utf8'));
    return report;
  } catch {
    // Vitest ended before it could write: its output tells why.
    return undefined;
  }
}
