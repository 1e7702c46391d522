// Every relative link, heading link and path in backticks of the documents leads somewhere, and
// the README stays short enough to be read.
import { existsSync, globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { lineAt, listFiles, readText } from './lib/files.ts';

const required = ['README.md', 'CONTRIBUTING.md', 'PROTOCOL.md', 'CHANGELOG.md'];
const maxReadmeLines = 150;
/** What a path in backticks begins with; anything else in backticks is code. */
const folders = /^(packages|apps|docs|tests|bench|examples|scripts|\.ci)\//;

export const linksCheck: Check = {
  name: 'links and paths in documents',
  run(root) {
    const documents = listFiles(root).filter((path) => /^([^/]+|docs\/.*)\.md$/.test(path));
    return [
      ...required
        .filter((path) => !documents.includes(path))
        .map((file) => ({ file, message: 'is missing' })),
      ...documents.flatMap((path) => checkDocument(root, path)),
    ];
  },
};

function checkDocument(root: string, path: string): readonly Finding[] {
  const text = readText(root, path);
  // Blanked, not cut, so that positions keep their lines.
  const prose = text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ' '));
  const findings: Finding[] = [];
  const report = (at: number, message: string): void => {
    findings.push({ file: path, line: lineAt(text, at), message });
  };
  for (const match of prose.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)) {
    const target = match[1] ?? match[2] ?? '';
    const problem = /^[a-z]+:/.test(target) ? undefined : problemOf(root, path, target);
    if (problem !== undefined) report(match.index, problem);
  }
  for (const match of prose.matchAll(/`([^`\n]+)`/g)) {
    const target = (match[1] ?? '').replace(/:\d+$/, '');
    if (!folders.test(target) || /[\s<>…]/.test(target)) continue;
    if (!leadsSomewhere(root, target)) report(match.index, `\`${target}\` does not exist`);
  }
  const lines = text.trimEnd().split('\n').length;
  if (path === 'README.md' && lines > maxReadmeLines) {
    findings.push({ file: path, message: `has ${lines} lines, at most ${maxReadmeLines}` });
  }
  return findings;
}

function problemOf(root: string, from: string, target: string): string | undefined {
  const [path = '', fragment] = target.split('#');
  const file = path === '' ? from : normalize(join(dirname(from), decodeURI(path)));
  if (!existsSync(join(root, file))) return `links to ${path}, which does not exist`;
  if (fragment === undefined || fragment === '' || !file.endsWith('.md')) return undefined;
  if (headingsOf(readText(root, file)).has(fragment)) return undefined;
  return `links to #${fragment}, which is no heading of ${file}`;
}

/** Built output (`dist/`) is named in documents and is not in a fresh clone. */
function leadsSomewhere(root: string, target: string): boolean {
  if (/(^|\/)dist(\/|$)/.test(target)) return true;
  if (/[*{]/.test(target)) return globSync(target, { cwd: root }).length > 0;
  return existsSync(join(root, target));
}

function headingsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#{1,6}\s+(.+)$/gm)].map(([, heading = '']) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

if (import.meta.main) await runFromShell(linksCheck);
