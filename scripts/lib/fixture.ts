// A small workspace on disk, made for one test of a check and removed after it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Check, formatFinding } from './check.ts';

export type Files = Readonly<Record<string, string>>;

/** Runs a check over `files`; returns what it found, one line each. */
export async function findingsOf(check: Check, files: Files): Promise<readonly string[]> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-check-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return (await check.run(root)).map(formatFinding);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** A manifest with public entries and nothing else. */
export function manifest(name: string, ...tails: readonly string[]): string {
  const entry = (tail: string): string =>
    tail === '.' ? './src/index.ts' : `./src/${tail.slice(2)}/index.ts`;
  return JSON.stringify({
    name: `@millrace/${name}`,
    exports: Object.fromEntries(
      ['.', ...tails].map((tail) => [tail, { '@millrace/source': entry(tail) }]),
    ),
  });
}
