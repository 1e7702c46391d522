// Keeps docs/errors.md and the closed list of codes together: one row for each code, none for a
// code that is gone, and the same policy, status and close code on both sides.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { readText } from './lib/files.ts';

const document = 'docs/errors.md';
/** Policies are what every page loads; the rest is the server's alone. */
const policies = 'packages/protocol/src/errors.ts';
const source = 'packages/protocol/src/error-traits.ts';

export const errorsCheck: Check = {
  name: 'errors ↔ docs',
  async run(root) {
    for (const file of [document, policies, source]) {
      if (!existsSync(join(root, file))) return [{ file, message: 'is missing' }];
    }
    const codes = await readCodes(root);
    if (codes.size === 0) return [{ file: source, message: 'exports no ERROR_CODES' }];
    const rows = readRows(readText(root, document));
    return [
      ...[...codes.keys()]
        .filter((code) => !rows.has(code))
        .map((code) => ({ file: document, message: `has no row for ${code}` })),
      ...[...rows].flatMap(([code, row]) => compareRow(code, row, codes.get(code))),
    ];
  },
};

type Table<Cell> = Readonly<Record<string, Cell>>;

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function compareRow(
  code: string,
  { line, cells }: Row,
  traits: ReadonlyMap<string, string> | undefined,
): readonly Finding[] {
  if (traits === undefined) {
    return [{ file: document, line, message: `${code} is no code of ${source}` }];
  }
  return [...traits]
    .filter(([, value]) => value !== '0' && !cells.includes(value))
    .map(([name, value]) => ({
      file: document,
      line,
      message: `${code}: ${name} is ${value} in ${source}; the row does not say so`,
    }));
}

async function readCodes(root: string): Promise<Map<string, ReadonlyMap<string, string>>> {
  const codes = Object.entries(
    await loadTable<Record<string, string | number>>(root, source, 'ERROR_CODES'),
  );
  const policyOf = await loadTable<string>(root, policies, 'ERROR_POLICIES');
  return new Map(
    codes.map(([code, traits]) => [
      code,
      new Map(
        Object.entries({ ...traits, policy: policyOf[code] ?? 'none' }).map(([name, value]) => [
          name,
          String(value),
        ]),
      ),
    ]),
  );
}

async function loadTable<Cell>(root: string, file: string, name: string): Promise<Table<Cell>> {
  const loaded: Record<string, Table<Cell>> = await import(pathToFileURL(join(root, file)).href);
  return loaded[name] ?? {};
}

/** Rows of all tables whose first cell is a code in backticks. */
function readRows(text: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  text.split('\n').forEach((written, index) => {
    const cells = written.split('|').map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'));
    const code = cells[1];
    if (code !== undefined && /^[a-z-]+\/[a-z-]+$/.test(code)) {
      rows.set(code, { line: index + 1, cells: cells.slice(2) });
    }
  });
  return rows;
}

if (import.meta.main) await runFromShell(errorsCheck);
