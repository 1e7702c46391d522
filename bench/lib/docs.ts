// Brings docs/benchmarks.md up to date: what stands between `<!-- bench: NAME -->` and
// `<!-- /bench -->` is made from bench/results/NAME.json, and so are the charts in docs/images, so that no
// figure is ever copied by hand.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from './bench.ts';
import { chartSvg } from './chart.ts';
import { comparisonTable, figuresTable, numberText } from './report.ts';
import { findResult, type Result } from './results.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const document = join(docs, 'benchmarks.md');
const images = join(docs, 'images');
const block = /(<!-- bench: (\S+) -->\n)[\s\S]*?(<!-- \/bench -->)/g;

export function updateDocument(): void {
  const text = readFileSync(document, 'utf8');
  const current = text.replace(
    block,
    (_, open: string, name: string, close: string) =>
      `${open}\n${section(findResult(name))}\n\n${close}`,
  );
  if (current !== text) writeFileSync(document, current);
}

function section(result: Result | null): string {
  if (result === null) return 'Not measured yet.';
  const { question, method, command, figures, notes = [], machine, load } = result;
  const compared = (result.comparisons ?? []).map((each) => comparisonText(result.bench, each));
  const made = [
    result.startedAt.slice(0, 10),
    ...(machine.commit === null ? [] : [`commit ${machine.commit}`]),
    `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGib} GiB, ${machine.system}`,
    `Node ${machine.node.replace('v', '')}`,
    ...(machine.chromium === null ? [] : [versionOf(machine.chromium)]),
    ...(machine.priority === 0 ? [] : [`priority ${machine.priority}`]),
    `load ${numberText(load.before)} before and ${numberText(load.after)} after`,
  ];
  return [
    `**${question}**`,
    '',
    method,
    '',
    '```sh',
    command,
    '```',
    '',
    ...compared.flatMap((text) => [text, '']),
    ...(figures.length === 0 ? [] : [figuresTable(figures), '']),
    ...notes.map((note) => `- ${note}`),
    ...(notes.length === 0 ? [] : ['']),
    `<sub>${made.join(' · ')}</sub>`,
  ].join('\n');
}

function comparisonText(bench: string, comparison: Comparison): string {
  const file = `${bench}-${comparison.name}.svg`;
  mkdirSync(images, { recursive: true });
  writeFileSync(join(images, file), chartSvg(comparison));
  const { title } = comparison;
  return [`### ${title}`, '', `![${title}](images/${file})`, '', comparisonTable(comparison)].join(
    '\n',
  );
}

/** `Chromium 156.0.8078.79 built on …` → `Chromium 156.0.8078.79` */
function versionOf(text: string): string {
  return text.split(' ').slice(0, 2).join(' ');
}
