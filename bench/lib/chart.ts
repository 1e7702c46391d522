// A comparison as SVG: one bar a server (median), a whisker from its smallest to its largest round. Pure text.
// Text stays text, so that it can be read aloud, searched and copied. The picture brings its own background
// with its own colours for light and dark, since a page's theme does not reach into an image.

import type { Comparison, ComparisonRow } from './bench.ts';
import { numberText } from './report.ts';
import { median } from './statistics.ts';

const width = 800;
const labelWidth = 270;
/** For the number at the end of the longest bar. */
const valueWidth = 110;
const rowHeight = 26;
const top = 58;

const style = [
  '.card{fill:#fff}.text{fill:#1f2328}.quiet{fill:#59636e}.grid{stroke:#d1d9e0}',
  '.peer{fill:#8c959f}.own{fill:#0969da}.whisker{stroke:#1f2328}',
  '@media(prefers-color-scheme:dark){.card{fill:#0d1117}.text{fill:#f0f6fc}.quiet{fill:#9198a1}',
  '.grid{stroke:#3d444d}.peer{fill:#6e7681}.own{fill:#4493f8}.whisker{stroke:#f0f6fc}}',
  'text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-size:15px;font-weight:600}.strong{font-weight:600}',
].join('');

export function chartSvg(comparison: Comparison): string {
  const { title, unit, isMoreBetter } = comparison;
  const rows = comparison.rows.filter(({ values }) => values.length > 0);
  const most = Math.max(...rows.flatMap(({ values }) => values), 0);
  const steps = ticks(most);
  const end = steps.at(-1) ?? 1;
  const plotWidth = width - labelWidth - valueWidth;
  const at = (value: number): number => round(labelWidth + (value / end) * plotWidth);
  const bottom = top + rows.length * rowHeight;
  const subtitle = `${unit}; ${isMoreBetter ? 'more' : 'less'} is better. Median, whiskers from the smallest to the largest round.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 32}" width="${width}" height="${bottom + 32}" role="img" aria-labelledby="title summary">`,
    `<title id="title">${escape(title)}</title>`,
    `<desc id="summary">${escape(summary(rows, unit))}</desc>`,
    `<style>${style}</style>`,
    `<rect class="card" width="100%" height="100%" rx="6"/>`,
    `<text class="text title" x="16" y="26">${escape(title)}</text>`,
    `<text class="quiet" x="16" y="45">${escape(subtitle)}</text>`,
    ...steps.flatMap((step) => [
      `<line class="grid" x1="${at(step)}" y1="${top}" x2="${at(step)}" y2="${bottom}"/>`,
      `<text class="quiet" x="${at(step)}" y="${bottom + 18}" text-anchor="middle">${numberText(step)}</text>`,
    ]),
    ...rows.flatMap((row, index) => bar(row, top + index * rowHeight, at)),
    '</svg>',
    '',
  ].join('\n');
}

function bar({ label, values, isOwn }: ComparisonRow, y: number, at: (value: number) => number) {
  const middle = median(values);
  const least = Math.min(...values);
  const most = Math.max(...values);
  const center = y + rowHeight / 2;
  const whisker =
    least === most
      ? []
      : [
          `<path class="whisker" fill="none" stroke-width="1.5" d="M${at(least)} ${center - 4}v8M${at(least)} ${center}H${at(most)}M${at(most)} ${center - 4}v8"/>`,
        ];
  return [
    `<text class="text${isOwn ? ' strong' : ''}" x="${labelWidth - 10}" y="${center + 4}" text-anchor="end">${escape(label)}</text>`,
    `<rect class="${isOwn ? 'own' : 'peer'}" x="${labelWidth}" y="${y + 5}" width="${round(at(middle) - labelWidth)}" height="${rowHeight - 10}" rx="2"/>`,
    ...whisker,
    `<text class="text" x="${round(Math.max(at(most), at(middle)) + 8)}" y="${center + 4}">${numberText(middle)}</text>`,
  ];
}

/** From 0 in steps of 1, 2 or 5 times a power of ten, to the first that is not below `most`. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => most / each <= 5);
  const size = step ?? 10 * power;
  const count = Math.ceil(round(most / size));
  return Array.from({ length: count + 1 }, (_, index) => round(index * size));
}

function summary(rows: readonly ComparisonRow[], unit: string): string {
  return rows
    .map(({ label, values }) => `${label}: ${numberText(median(values))} ${unit}`)
    .join('; ');
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
