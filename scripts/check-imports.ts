// Holds the dependency direction: which file may import which, and why not.
// Owns the rules over one import; cycles are found in lib/cycles.ts, the table is lib/layout.ts.
// Every message says what to do instead, because whoever meets it has just broken the design.
import { dirname, join, normalize } from 'node:path/posix';
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { findCycles } from './lib/cycles.ts';
import { isTest, listFiles } from './lib/files.ts';
import { entriesOf, ownerOf, packageRules, readManifest } from './lib/layout.ts';
import { type Import, readSource, type Source } from './lib/source.ts';

export const importsCheck: Check = {
  name: 'dependency direction',
  run(root) {
    const sources = listFiles(root)
      .filter((path) => /\.(ts|tsx|mjs)$/.test(path) && ownerOf(path) !== '')
      .map((path) => readSource(root, path));
    const findings = sources.flatMap((source) => [
      ...(source.problem === undefined
        ? []
        : [{ file: source.path, message: `cannot be parsed: ${source.problem}` }]),
      ...source.imports.flatMap((each) =>
        messagesFor(root, source, each).map(
          (message): Finding => ({ file: source.path, line: each.line, message }),
        ),
      ),
    ]);
    return [...findings, ...checkManifests(root), ...cycleFindings(sources)];
  },
};

function messagesFor(root: string, source: Source, { specifier }: Import): readonly string[] {
  if (specifier.startsWith('.')) return relativeImport(root, source, specifier);
  if (specifier.startsWith('node:')) return nodeImport(source, specifier);
  if (specifier.startsWith('@millrace/')) return workspaceImport(root, source, specifier);
  return thirdPartyImport(source, specifier);
}

function relativeImport(root: string, source: Source, specifier: string): readonly string[] {
  const target = normalize(join(dirname(source.path), specifier));
  const owner = ownerOf(source.path);
  const test = isTest(source.path);
  if (ownerOf(target) !== owner) {
    return [`'${specifier}' leaves ${owner}: import the other package by its name`];
  }
  if (!test && [...entriesOf(root, owner).values()].includes(target)) {
    return [`'${specifier}' is a public entry: import the file that has what you need`];
  }
  if (owner === 'apps/desk') return deskImport(source.path, target, specifier);
  if (owner === 'packages/server' && !test) return serverImport(source.path, target, specifier);
  return [];
}

/** The page and the server of Desk are two programs that share only apps/desk/shared. */
function deskImport(path: string, target: string, specifier: string): readonly string[] {
  const [, , from] = path.split('/');
  const [, , to] = target.split('/');
  if (from === to || to === 'shared') return [];
  return [`'${specifier}': ${from} and ${to} of Desk meet only in apps/desk/shared`];
}

function serverImport(path: string, target: string, specifier: string): readonly string[] {
  const seams = 'packages/server/src/seams/';
  if (path.startsWith(seams) && !target.startsWith(seams)) {
    return [`'${specifier}': a seam knows no implementation, only @millrace/protocol`];
  }
  const match = /^(packages\/server\/src\/(?:transports|engines)\/)([^/]+\/)?/.exec(path);
  if (match === null || target.startsWith(seams) || target.startsWith(match[0])) return [];
  // What lies beside the folders is shared by them; it keeps to the same rule.
  if (target.startsWith(match[1] ?? '') && dirname(target) === dirname(`${match[1]}x`)) return [];
  const who = match[1]?.includes('engines') ? 'an engine' : 'a transport';
  return [
    `'${specifier}': ${who} imports only its own folder, what is shared beside it, src/seams/ and @millrace/protocol, which is all that a third party has`,
  ];
}

function nodeImport(source: Source, specifier: string): readonly string[] {
  const owner = ownerOf(source.path);
  const browser = packageRules.get(owner.replace('packages/', ''))?.browser === true;
  const inPage = source.path.startsWith('apps/desk/web/') && !source.path.endsWith('.config.ts');
  const inShared = source.path.startsWith('apps/desk/shared/');
  if (isTest(source.path) || !(browser || inPage || inShared)) return [];
  return [`'${specifier}' does not exist in a browser: pass in what you need from outside`];
}

function workspaceImport(root: string, source: Source, specifier: string): readonly string[] {
  const [, name = '', ...rest] = specifier.split('/');
  const owner = ownerOf(source.path);
  const importer = owner.startsWith('packages/') ? owner.slice('packages/'.length) : undefined;
  const folder = name === 'desk' ? 'apps/desk' : name === 'tests' ? 'tests' : `packages/${name}`;
  const tail = rest.length === 0 ? '.' : `./${rest.join('/')}`;
  const found: string[] = [];
  const allowed = importer === undefined ? undefined : packageRules.get(importer)?.workspace;
  if (importer === name) {
    if (!isTest(source.path)) found.push(`'${specifier}' imports its own package: use './…'`);
  } else if (importer !== undefined && !(allowed ?? []).includes(name)) {
    found.push(
      `${importer} must not import ${name}: protocol ← client ← react ← ui, protocol ← server ← ai; what both need belongs in protocol, what joins them in tests/ or apps/`,
    );
  } else if (source.path.startsWith('apps/desk/web/') && name === 'server') {
    found.push(`'${specifier}': the page of Desk reaches the server over its protocol only`);
  }
  if (readManifest(root, folder) === undefined) {
    found.push(`'${specifier}' names no package of this workspace`);
  } else if (!(tail in (readManifest(root, folder)?.exports ?? {}))) {
    found.push(`'${specifier}' is no public entry of ${name}: see "exports" in its package.json`);
  }
  return found;
}

function thirdPartyImport(source: Source, specifier: string): readonly string[] {
  const owner = ownerOf(source.path);
  if (!owner.startsWith('packages/') || isTest(source.path)) return [];
  const name = packageName(specifier);
  const rule = packageRules.get(owner.slice('packages/'.length));
  if (rule === undefined) return [`${owner} has no line in scripts/lib/layout.ts`];
  if (rule.thirdParty.includes(name)) return [];
  return [
    `${owner} must not import ${name}: a new dependency needs a page in docs/decisions/ and a line in scripts/lib/layout.ts`,
  ];
}

function checkManifests(root: string): readonly Finding[] {
  return [...packageRules].flatMap(([name, { workspace, thirdParty }]) => {
    const manifest = readManifest(root, `packages/${name}`);
    const declared = { ...manifest?.dependencies, ...manifest?.peerDependencies };
    const allowed = new Set([...thirdParty, ...workspace.map((each) => `@millrace/${each}`)]);
    return Object.keys(declared)
      .filter((dependency) => !allowed.has(dependency))
      .map((dependency) => ({
        file: `packages/${name}/package.json`,
        message: `${dependency} is not among the dependencies that ${name} may have (scripts/lib/layout.ts)`,
      }));
  });
}

function cycleFindings(sources: readonly Source[]): readonly Finding[] {
  const graph = new Map(
    sources.map((source) => [
      source.path,
      source.imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => normalize(join(dirname(source.path), specifier))),
    ]),
  );
  return findCycles(graph).map((cycle) => ({
    file: cycle[0] ?? '',
    message: `imports itself in a circle (${cycle.join(' → ')}): move what both need into a third file`,
  }));
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

if (import.meta.main) await runFromShell(importsCheck);
