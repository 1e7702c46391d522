// Who may import whom, as data: the table that the dependency check enforces.
// A new third-party dependency of a package begins with a page in docs/decisions/ and a line here.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './files.ts';

export interface PackageRule {
  /** Packages of this workspace that it may import. */
  readonly workspace: readonly string[];
  /** Third-party packages that it may import at run time. */
  readonly thirdParty: readonly string[];
  /** Runs in a browser: no `node:` imports. */
  readonly browser: boolean;
}

const rule = (
  workspace: readonly string[],
  thirdParty: readonly string[],
  browser: boolean,
): PackageRule => ({ workspace, thirdParty, browser });

export const packageRules: ReadonlyMap<string, PackageRule> = new Map([
  ['protocol', rule([], [], true)],
  ['client', rule(['protocol'], ['eventsource-parser'], true)],
  ['server', rule(['protocol'], ['ws'], false)],
  ['ai', rule(['protocol', 'server'], ['ai'], false)],
  ['react', rule(['protocol', 'client'], ['react'], true)],
  [
    'ui',
    rule(['protocol', 'client', 'react'], ['react', 'react-dom', 'uplot', 'streamdown'], true),
  ],
]);

/** Folder of the workspace that a file belongs to: `packages/client`, `apps/desk`, `tests`. */
export function ownerOf(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'packages' || parts[0] === 'apps'
    ? parts.slice(0, 2).join('/')
    : parts.length === 1
      ? ''
      : (parts[0] ?? '');
}

interface Manifest {
  readonly name?: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export function readManifest(root: string, folder: string): Manifest | undefined {
  const path = folder === '' ? 'package.json' : `${folder}/package.json`;
  if (!existsSync(join(root, path))) return undefined;
  const manifest: Manifest = JSON.parse(readText(root, path));
  return manifest;
}

/** Public entries of a package: specifier tail (`.`, `./testing`) → source file below the root. */
export function entriesOf(root: string, folder: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [tail, target] of Object.entries(readManifest(root, folder)?.exports ?? {})) {
    const source = sourceOf(target);
    if (source !== undefined) found.set(tail, `${folder}/${source.replace(/^\.\//, '')}`);
  }
  return found;
}

function sourceOf(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (typeof target !== 'object' || target === null) return undefined;
  const source: unknown = Reflect.get(target, '@millrace/source');
  return typeof source === 'string' ? source : undefined;
}
