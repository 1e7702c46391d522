// How much does a page load for the client, and for the hooks?
//
// Everything that an entry exports, bundled for a browser, minified, gzipped (level 9): as measured by
// the size check of `npm test`, whose lines are read here, so that there is one way of measuring. And
// the whole of Desk's page as its build left it.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Bench, Figure, Findings } from './lib/bench.ts';
import { buildDeskPage } from './lib/desk.ts';

const root = join(import.meta.dirname, '..');
const line = /^(@millrace\/[\w/, ]+): ([\d.]+) KiB gzip(?: \(at most [\d.]+ KiB\))?$/;

export const bundleSize: Bench = {
  name: 'bundle-size',
  question: 'How much does a page load for the client, and for the hooks?',
  method:
    "Everything that the entry exports, bundled by vite for a browser, minified, gzip level 9; React itself is the page's own and not counted. Desk's page: all its scripts and styles, with React, the components and the chart.",
  async run() {
    return { figures: [...entries(), deskPage()] } satisfies Findings;
  },
};

/** What was aimed at; the check's own limit is where the client stands, so that it can only shrink. */
const GOAL_KIB = 12;

function entries(): readonly Figure[] {
  const args = ['--conditions=@millrace/source', join(root, 'scripts/check-size.ts')];
  // Its exit code is 1 where a limit is passed: a finding here, not a failure.
  const { stdout: output } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const figures = output.split('\n').flatMap((text): Figure[] => {
    const [, label, size] = line.exec(text) ?? [];
    if (label === undefined) return [];
    return [
      {
        label,
        unit: 'KiB',
        values: [Number(size)],
        ...(label === '@millrace/client' ? { goal: { atMost: GOAL_KIB } } : {}),
      },
    ];
  });
  if (figures.length === 0) throw new Error(`the size check told no size:\n${output}`);
  return figures;
}

function deskPage(): Figure {
  buildDeskPage();
  const folder = join(root, 'apps/desk/web/dist/assets');
  const bytes = readdirSync(folder)
    .filter((name) => /\.(js|css)$/.test(name))
    .reduce(
      (sum, name) => sum + gzipSync(readFileSync(join(folder, name)), { level: 9 }).length,
      0,
    );
  return { label: "Desk's page, all of it", unit: 'KiB', values: [bytes / 1_024] };
}
