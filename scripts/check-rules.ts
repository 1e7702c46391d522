// Keeps PROTOCOL.md and the tests together: each rule is proved by a test whose title begins with
// its id, and no title cites a rule that does not stand there. Conformance cases cite by `rule:`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { isTest, lineAt, listFiles, readText } from './lib/files.ts';

const id = '[A-Z][A-Z0-9]*-[0-9]+[a-z]?';
const document = 'PROTOCOL.md';

export const rulesCheck: Check = {
  name: 'rules ↔ tests',
  run(root) {
    if (!existsSync(join(root, document))) return [{ file: document, message: 'is missing' }];
    const { rules, findings } = readRules(readText(root, document));
    const citations = listFiles(root)
      // The tests of this check cite rules of protocols that they make up.
      .filter((path) => !path.startsWith('scripts/'))
      .filter((path) => isTest(path) || /cases[^/]*\.ts$/.test(path))
      .flatMap((path) => readCitations(path, readText(root, path)));
    const cited = new Set(citations.map(({ rule }) => rule));
    return [
      ...findings,
      ...[...rules]
        .filter(([rule]) => !cited.has(rule))
        .map(([rule, line]) => ({
          file: document,
          line,
          message: `${rule} has no test: begin the title of one with '${rule}: …'`,
        })),
      ...citations
        .filter(({ rule }) => !rules.has(rule))
        .map(({ rule, file, line }) => ({
          file,
          line,
          message: `cites ${rule}, which ${document} does not have`,
        })),
    ];
  },
};

function readRules(text: string): { rules: Map<string, number>; findings: Finding[] } {
  const rules = new Map<string, number>();
  const findings: Finding[] = [];
  for (const match of text.matchAll(new RegExp(`^\\*\\*(${id})\\*\\*`, 'gm'))) {
    const [, rule = ''] = match;
    const line = lineAt(text, match.index);
    if (rules.has(rule)) findings.push({ file: document, line, message: `${rule} stands twice` });
    rules.set(rule, line);
  }
  if (rules.size === 0) findings.push({ file: document, message: 'has no rule (**LINK-1** …)' });
  return { rules, findings };
}

interface Citation {
  readonly rule: string;
  readonly file: string;
  readonly line: number;
}

/** A title may cite several (`LINK-3, LINK-4: …`), and so may a case (`rules: ['LINK-3', …]`). */
const inTitle = new RegExp(`['"\`](${id}(?:(?:, | and | & |/)${id})*): `, 'g');
const inCase = /\brules?:\s*(\[[^\]]*\]|'[^']*')/g;

function readCitations(file: string, text: string): readonly Citation[] {
  return [...text.matchAll(inTitle), ...text.matchAll(inCase)].flatMap((match) =>
    [...(match[1] ?? '').matchAll(new RegExp(id, 'g'))].map(([rule]) => ({
      rule,
      file,
      line: lineAt(text, match.index),
    })),
  );
}

if (import.meta.main) await runFromShell(rulesCheck);
