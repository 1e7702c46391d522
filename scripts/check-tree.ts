// Nothing in the tree ties it to one machine: no package registry's host, no absolute path of
// somebody's disk, no address in the lock, no page that only its writer has.
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { lineAt, listFiles, readText } from './lib/files.ts';

interface Pattern {
  readonly pattern: RegExp;
  readonly message: string;
}

// Put together from parts, so that this file does not find itself.
const disk = ['work', 'root', 'tmp', 'home', 'Users', 'mnt'].join('|');
const hosts = ['registry\\.[a-z0-9-]+\\.[a-z]', 'npm\\.pkg\\.', 'registry\\.yarn'].join('|');
const pages = ['design', 'style', 'stack', 'desk', 'promises', 'interop', 'performance', 'brief'];

const patterns: readonly Pattern[] = [
  {
    pattern: new RegExp(`(?<![\\w.~@/:*}-])/(?:${disk})/[\\w.-]`, 'g'),
    message: 'names a path of one machine: use a path of the project, or os.tmpdir()',
  },
  {
    pattern: new RegExp(hosts, 'gi'),
    message: "names a package registry: which one is used is the reader's setting",
  },
  {
    pattern: new RegExp(`(?<![\\w/.-])(?:\\.\\./)?(?:shared/)?(?:${pages.join('|')})\\.md\\b`, 'g'),
    message: 'cites a page that is not in this project: say it here, or cite docs/',
  },
];

export const treeCheck: Check = {
  name: 'nothing of one machine',
  run(root) {
    const files = listFiles(root);
    return files
      .filter((path) => isText(path) && path !== 'package-lock.json')
      .flatMap((path) => checkText(path, readText(root, path), files))
      .concat(files.includes('package-lock.json') ? checkLock(root) : []);
  },
};

function checkText(path: string, text: string, files: readonly string[]): Finding[] {
  return patterns.flatMap(({ pattern, message }) =>
    [...text.matchAll(pattern)]
      // A page of that name that is in the tree may be cited.
      .filter(([found]) => !files.some((file) => file.endsWith(`/${found}`)))
      .map((match) => ({
        file: path,
        line: lineAt(text, match.index),
        message: `'${match[0]}' ${message}`,
      })),
  );
}

function checkLock(root: string): Finding[] {
  const file = 'package-lock.json';
  const text = readText(root, file);
  return [...text.matchAll(/"resolved": "([a-z+]+:\/\/[^"]*)"/g)].map((match) => ({
    file,
    line: lineAt(text, match.index),
    message: `holds the address ${match[1]}: .npmrc's omit-lockfile-registry-resolved keeps them out`,
  }));
}

function isText(path: string): boolean {
  return /\.(ts|tsx|mjs|js|json|jsonc|md|css|html|svg|yml|yaml|sh|sql|txt)$|(^|\/)[^.]+$|^\./.test(
    path,
  );
}

if (import.meta.main) await runFromShell(treeCheck);
