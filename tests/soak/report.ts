// The report of several runs: all figures as JSON, and a table for people with the problems below it. Judges nothing.

import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform, totalmem } from 'node:os';
import { dirname } from 'node:path';

export type RunResult = { readonly problems: readonly string[] } & Readonly<
  Record<string, unknown>
>;

/** Writes `path`.json and `path`.md. */
export async function writeReport(
  path: string,
  what: string,
  results: readonly RunResult[],
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const machine = {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
  };
  const broken = results.filter(({ problems }) => problems.length > 0).length;
  const report = {
    what,
    at: new Date().toISOString(),
    machine,
    runs: results.length,
    broken,
    results,
  };
  await writeFile(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(`${path}.md`, inMarkdown(report));
}

function inMarkdown(report: {
  readonly what: string;
  readonly at: string;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly runs: number;
  readonly broken: number;
  readonly results: readonly RunResult[];
}): string {
  const { what, at, machine, runs, broken, results } = report;
  const columns = Object.keys(results[0] ?? {}).filter((name) => name !== 'problems');
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const problems = results.flatMap((one) =>
    one.problems.slice(0, 20).map((problem) => `- ${textOf(one['seed'])}: ${problem}`),
  );
  return [
    `# ${what}: ${runs} runs, ${broken} broken`,
    '',
    `${at.slice(0, 10)}, ${Object.values(machine).map(textOf).join(', ')} (Node, platform, cores, GB of memory).`,
    '',
    row([...columns, 'problems']),
    row([...columns, ''].map(() => '---')),
    ...results.map((one) =>
      row([...columns.map((name) => textOf(one[name])), `${one.problems.length}`]),
    ),
    ...(problems.length === 0 ? [] : ['', '## Problems', '', ...problems]),
    '',
  ].join('\n');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
