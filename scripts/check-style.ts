// House style that a machine can see: file length, the opening comment, the public index, tests
// that are switched off, browser globals outside their one file.
// Refuses to own: formatting (biome) and what a type-aware linter finds (oxlint).
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { isTest, listFiles } from './lib/files.ts';
import { entriesOf, ownerOf } from './lib/layout.ts';
import { readSource, type Source } from './lib/source.ts';

const maxLines = 400;
const maxTestLines = 500;
const maxIndexLines = 60;
const exemption = 'exempt from the length limit:';
const browserGlobals = ['window', 'document', 'navigator', 'localStorage', 'sessionStorage'];

export const styleCheck: Check = {
  name: 'house style',
  run(root) {
    const entries = new Set(
      listFiles(root)
        .filter((path) => /^packages\/[^/]+\/package\.json$/.test(path))
        .flatMap((path) => [...entriesOf(root, ownerOf(path)).values()]),
    );
    return listFiles(root)
      .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
      .map((path) => readSource(root, path))
      .flatMap((source) => [
        ...checkLength(source),
        ...checkHeader(source),
        ...checkSwitchedOff(source),
        ...checkComments(source),
        ...checkGlobals(source),
        ...(entries.has(source.path) ? checkIndex(source) : []),
      ]);
  },
};

function checkLength({ path, lines, header }: Source): readonly Finding[] {
  const limit = isTest(path) ? maxTestLines : maxLines;
  if (lines <= limit || header.split('\n')[0]?.includes(exemption)) return [];
  return [
    {
      file: path,
      message: `has ${lines} lines, at most ${limit}: a second idea is hiding in it; split it (or, for one grammar or table, begin with "// ${exemption} why")`,
    },
  ];
}

function checkHeader({ path, header }: Source): readonly Finding[] {
  // What a test file is about stands in its titles; an example is quoted whole, with words around it.
  if (isTest(path) || path.startsWith('examples/')) return [];
  // Directives for tools are no sentence about the file.
  const words = header.replace(/^\s*(@\S+.*|\/\s*<.*|(oxlint|biome|eslint)-\S+.*)$/gm, '').trim();
  if (words !== '') return [];
  return [
    { file: path, line: 1, message: 'opens without a comment: say what it owns, what it refuses' },
  ];
}

function checkSwitchedOff({ path, members }: Source): readonly Finding[] {
  return [...members]
    .filter(([name]) => /^(it|test|describe|suite)\.(skip|only|todo|fails)$/.test(name))
    .map(([name, line]) => ({
      file: path,
      line,
      message: `${name}: a test runs or does not exist; one that needs what is absent calls context.skip with a capability and a reason`,
    }));
}

function checkComments({ path, comments }: Source): readonly Finding[] {
  return comments
    .filter(({ text }) => /\b(TODO|FIXME|XXX)\b/.test(text))
    .map(({ line }) => ({
      file: path,
      line,
      message: 'leaves work for later in a comment: do it, or write down the limit for the user',
    }));
}

function checkGlobals({ path, globals, members }: Source): readonly Finding[] {
  if (!path.startsWith('packages/client/src/') || isTest(path)) return [];
  if (/\/environment(-[a-z-]+)?\.ts$/.test(path)) return [];
  return browserGlobals.flatMap((name) => {
    const line = globals.get(name) ?? members.get(`globalThis.${name}`);
    if (line === undefined) return [];
    return [
      {
        file: path,
        line,
        message: `touches ${name}: only environment.ts does, others get it passed`,
      },
    ];
  });
}

function checkIndex({ path, lines, exports }: Source): readonly Finding[] {
  const found: Finding[] = [];
  if (lines > maxIndexLines) {
    found.push({
      file: path,
      message: `has ${lines} lines, a public entry at most ${maxIndexLines}`,
    });
  }
  if (exports.some(({ name }) => name === '*')) {
    found.push({
      file: path,
      message: 'exports a star: a public entry lists its names one by one',
    });
  }
  return found;
}

if (import.meta.main) await runFromShell(styleCheck);
