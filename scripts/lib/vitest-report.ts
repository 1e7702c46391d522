// A vitest reporter that writes what `npm test` adds up: counts, and each skipped test with the
// reason that it gave. Used instead of the JSON reporter, which leaves that reason out.
import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export interface SkippedTest {
  readonly title: string;
  /** What the test passed to `context.skip(...)`. */
  readonly reason: string | undefined;
}

export interface TestReport {
  readonly passed: number;
  /** Failed tests, files that could not be loaded, and errors that no test caught. */
  readonly failed: number;
  readonly skipped: readonly SkippedTest[];
  /** Titles of those that were only slow at first, and passed when run again. */
  readonly repeated: readonly string[];
}

/** Where the report goes; set by whoever starts vitest. */
export const reportVariable = 'MILLRACE_TEST_REPORT';

// A class, and exported by default, because that is how vitest takes a reporter from a file.
// oxlint-disable-next-line import/no-default-export
export default class SumReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const file = process.env[reportVariable];
    if (file === undefined) throw new Error(`${reportVariable} does not say where to report`);
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const report: TestReport = {
      passed: count(tests, 'passed'),
      failed: count(tests, 'failed') + modules.filter(hasOwnErrors).length + unhandledErrors.length,
      skipped: tests.flatMap(asSkipped),
      repeated: tests.filter(isRepeated).map((test) => test.fullName),
    };
    writeFileSync(file, JSON.stringify(report));
  }
}

function count(tests: readonly TestCase[], state: 'passed' | 'failed'): number {
  return tests.filter((test) => test.result().state === state).length;
}

function isRepeated(test: TestCase): boolean {
  return test.result().state === 'passed' && (test.diagnostic()?.retryCount ?? 0) > 0;
}

function hasOwnErrors(module: TestModule): boolean {
  return (
    module.errors().length > 0 ||
    [...module.children.allSuites()].some((suite) => suite.errors().length > 0)
  );
}

function asSkipped(test: TestCase): readonly SkippedTest[] {
  const result = test.result();
  if (result.state === 'passed' || result.state === 'failed') return [];
  return [
    { title: test.fullName, reason: result.state === 'skipped' ? result.note : 'it never ran' },
  ];
}
