// The runs of the test bed as a table for people: verdicts and faults by kind, and the problems below it, or that there
// are none. Pure.

import type { ClusterReport } from './run.ts';

type Cell = string | number;

export function tableOf(reports: readonly ClusterReport[]): string {
  const columns: readonly (readonly [name: string, of: (one: ClusterReport) => Cell])[] = [
    ['seed', ({ seed }) => seed],
    ['engine', ({ engine }) => engine],
    ['nodes', ({ nodes }) => nodes],
    ['carriers', ({ carriers }) => carriers],
    ['published', ({ published }) => published],
    ['delivered', ({ delivered }) => delivered],
    ['states', ({ states }) => states],
    ['exact', ({ verdicts }) => verdicts['exact'] ?? 0],
    ['gaps', ({ verdicts }) => sum(verdicts, (what) => what.startsWith('gap'))],
    ['snapshots', ({ verdicts }) => verdicts['snapshot'] ?? 0],
    ['epochs', ({ epochs }) => epochs],
    ['nodes killed', ({ faults }) => faults['kill -9 of a node'] ?? 0],
    ['engine faults', ({ faults }) => sum(faults, (what) => what.startsWith('engine:'))],
    ['nodes cut off', ({ faults }) => sum(faults, (what) => what.startsWith('a node '))],
    ['clock jumps', ({ faults }) => sum(faults, (what) => what.startsWith('a clock'))],
    ['network faults', ({ faults }) => sum(faults, (what) => !/^(kill|engine|a )/.test(what))],
    ['healed, ms', ({ healedMs }) => healedMs],
    ['slowest answer, ms', ({ slowestAnswerMs }) => slowestAnswerMs],
    ['ghosts judged', ({ presence }) => presence.ghosts],
    ['slowest ghost, ms', ({ presence }) => presence.slowestGhostMs],
    ['problems', ({ problems }) => problems.length],
  ];
  const row = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |`;
  const problems = reports.flatMap(({ seed, problems: own }) =>
    own.slice(0, 20).map((problem) => `- ${seed}: ${problem.split('\n', 1).join('')}`),
  );
  return [
    row(columns.map(([name]) => name)),
    row(columns.map(() => '---')),
    ...reports.map((one) => row(columns.map(([, of]) => of(one)))),
    '',
    ...(problems.length === 0 ? [`${reports.length} runs, 0 problems.`] : problems),
    '',
  ].join('\n');
}

function sum(counts: Readonly<Record<string, number>>, isMeant: (what: string) => boolean): number {
  return Object.entries(counts).reduce(
    (total, [what, count]) => total + (isMeant(what) ? count : 0),
    0,
  );
}
