// Looks at each package as the registry's users will: what publint finds in its manifest, and
// whether both kinds of TypeScript resolution find the types of each public entry in what is built.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { runCommand } from './lib/command.ts';
import { entriesOf, packageRules, readManifest } from './lib/layout.ts';

export const packagesCheck: Check = {
  name: 'packages',
  async run(root) {
    const names = [...packageRules.keys()].filter(
      (name) => readManifest(root, `packages/${name}`) !== undefined,
    );
    const findings: Finding[] = [];
    for (const name of names) findings.push(...(await lintManifest(root, name)));
    const specifiers = names.flatMap((name) =>
      [...entriesOf(root, `packages/${name}`)]
        .filter(([, source]) => /\.tsx?$/.test(source))
        .map(([tail]) => `@millrace/${name}${tail.slice(1)}`),
    );
    return [...findings, ...(await resolveTypes(root, specifiers))];
  },
};

async function lintManifest(root: string, name: string): Promise<Finding[]> {
  const folder = `packages/${name}`;
  // Packing with npm takes a second for each; the files to publish are all on disk already.
  const { messages, pkg } = await publint({
    pkgDir: join(root, folder),
    pack: false,
    strict: true,
  });
  return messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => ({
      file: `${folder}/package.json`,
      message: formatMessage(message, pkg, { color: false }) ?? message.code,
    }));
}

/** A consumer that names every entry, without our source condition, under both resolutions. */
async function resolveTypes(root: string, specifiers: readonly string[]): Promise<Finding[]> {
  // Inside the workspace, because there the packages are found in node_modules.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'consumer-'));
  const found: Finding[] = [];
  try {
    const lines = specifiers.map((each, index) => `import * as e${index} from '${each}';`);
    const uses = `console.log(${specifiers.map((_, index) => `e${index}`).join(', ')});`;
    writeFileSync(join(folder, 'consumer.mts'), [...lines, uses, ''].join('\n'));
    for (const [module, moduleResolution] of [
      ['nodenext', 'nodenext'],
      ['preserve', 'bundler'],
    ]) {
      const options = { module, moduleResolution, strict: true, noEmit: true, skipLibCheck: true };
      const compilerOptions = { ...options, lib: ['ES2023', 'DOM'], types: ['node'] };
      const file = join(folder, 'tsconfig.json');
      writeFileSync(file, JSON.stringify({ compilerOptions, files: ['consumer.mts'] }));
      const args = ['-p', folder, '--pretty', 'false'];
      const { code, output } = await runCommand('tsc', args, { timeoutMs: 60_000 });
      if (code !== 0) found.push({ file: `types under ${moduleResolution}`, message: output });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return found;
}

if (import.meta.main) await runFromShell(packagesCheck);
