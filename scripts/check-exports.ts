// Compares what each package really exports with the list that is checked in (docs/api/*.txt), so
// that a change of the public interface is seen in the change itself. `--write` (npm run api) updates the lists.
// Looks at the built package, as a user gets it: run `npm run build` before it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { readText } from './lib/files.ts';
import { entriesOf, packageRules, readManifest } from './lib/layout.ts';
import { readSource } from './lib/source.ts';

const maxRuntimeExports = 12;
/** Hooks and components are many by nature: one noun, one name. */
const unlimited = new Set(['react', 'ui']);
/** The wire's vocabulary: one table, read by carriers and engines alone. */
const unlimitedEntries = new Set(['packages/protocol/src/wire.ts']);

export const exportsCheck: Check = {
  name: 'public names',
  async run(root) {
    const findings: Finding[] = [];
    for (const name of packageRules.keys()) {
      if (readManifest(root, `packages/${name}`) === undefined) continue;
      findings.push(...(await checkPackage(root, name)));
    }
    return findings;
  },
};

async function checkPackage(root: string, name: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const report: string[] = [];
  for (const [tail, source] of entriesOf(root, `packages/${name}`)) {
    if (!/\.tsx?$/.test(source)) continue;
    const specifier = `@millrace/${name}${tail.slice(1)}`;
    const built = source.replace('/src/', '/dist/').replace(/\.tsx?$/, '.js');
    for (const [file, hint] of [
      [source, 'is named in package.json and does not exist'],
      [built, 'is not built: run npm run build'],
    ] as const) {
      if (!existsSync(join(root, file))) return [{ file, message: hint }];
    }
    const loaded: Record<string, unknown> = await import(pathToFileURL(join(root, built)).href);
    const values = Object.keys(loaded).sort();
    const types = readSource(root, source).exports.filter(({ isType }) => isType);
    const isLimited = !unlimited.has(name) && !unlimitedEntries.has(source);
    if (isLimited && values.length > maxRuntimeExports) {
      findings.push({
        file: source,
        message: `has ${values.length} runtime exports, at most ${maxRuntimeExports}: what few readers need belongs behind a second entry`,
      });
    }
    report.push(
      specifier,
      ...values.map((each) => `  ${kindOf(loaded[each])} ${each}`),
      ...types.map((each) => `  type ${each.name}`).sort(),
      '',
    );
  }
  return [...findings, ...compare(root, `docs/api/${name}.txt`, report.join('\n'))];
}

function compare(root: string, file: string, report: string): Finding[] {
  if (process.argv.includes('--write')) {
    mkdirSync(join(root, 'docs/api'), { recursive: true });
    writeFileSync(join(root, file), report);
    return [];
  }
  const known = existsSync(join(root, file)) ? readText(root, file).split('\n') : [];
  const now = report.split('\n');
  const changes = [
    ...now.filter((line) => !known.includes(line)).map((line) => `+ ${line.trim()}`),
    ...known.filter((line) => !now.includes(line)).map((line) => `- ${line.trim()}`),
  ];
  if (changes.length === 0) return [];
  return [
    {
      file,
      message: `differs (${changes.join(', ')}): if that is meant, run npm run build && npm run api`,
    },
  ];
}

function kindOf(value: unknown): string {
  if (typeof value !== 'function') return 'value';
  return /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function';
}

if (import.meta.main) await runFromShell(exportsCheck);
