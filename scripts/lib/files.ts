// The files of the workspace that people write: no dependency, no build output, no data.
// Works without git, so that it also works on a downloaded archive and in a test's folder.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const skipped = new Set(['.git', '.cache', 'node_modules', 'dist', 'coverage', 'test-results']);

/** Paths below `root` with `/` between their parts, sorted. */
export function listFiles(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return isSkipped(path, entry.name) ? [] : listFiles(root, path);
      return entry.isFile() ? [path] : [];
    });
}

/** `data` is Desk's database only at the top; elsewhere a folder may be called so. */
function isSkipped(path: string, name: string): boolean {
  return skipped.has(name) || path === 'data' || path === 'apps/desk/data';
}

export function readText(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** 1-based line of a position in a text. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < position; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}

export function isTest(path: string): boolean {
  return /\.test(-d)?\.tsx?$/.test(path);
}
