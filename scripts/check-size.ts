// What a page pays for the client and the hooks: everything that the entry exports, or the names that such a page
// imports, bundled for a browser, minified and gzipped. React itself is the page's own and does not count.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, defaultClientConditions } from 'vite';
import { type Check, type Finding, runFromShell } from './lib/check.ts';

interface Bundle {
  readonly name: string;
  readonly entry: string;
  /** Default: everything. Others must then be shaken out. */
  readonly imports?: readonly string[];
  readonly maxBytes?: number;
}

const bundles: readonly Bundle[] = [
  {
    name: '@millrace/client',
    entry: 'packages/client/src/index.ts',
    imports: ['createClient', 'ConnectionState', 'connectionState'],
    maxBytes: 13.85 * 1024,
  },
  {
    name: '@millrace/client, createSSEClient alone',
    entry: 'packages/client/src/index.ts',
    imports: ['createSSEClient', 'parseSSEMessage', 'ConnectionState'],
    maxBytes: 6.7 * 1024,
  },
  {
    name: '@millrace/client, everything',
    entry: 'packages/client/src/index.ts',
    maxBytes: 17.1 * 1024,
  },
  // With what it shares with the client, which a page loads once.
  {
    name: '@millrace/client/presence',
    entry: 'packages/client/src/presence/index.ts',
    maxBytes: 5.25 * 1024,
  },
  // Holds the client too: that is what a page with hooks loads.
  { name: '@millrace/react', entry: 'packages/react/src/index.ts' },
];

/** Stands for a module of the page. */
const PAGE = 'virtual:page';

export const sizeCheck: Check = {
  name: 'size',
  async run(root) {
    const findings: Finding[] = [];
    for (const { name, entry, imports, maxBytes } of bundles) {
      if (!existsSync(join(root, entry))) {
        findings.push({ file: entry, message: 'does not exist, so it has no size' });
        continue;
      }
      const bytes = await measure(root, entry, imports);
      const limit = maxBytes === undefined ? '' : ` (at most ${kib(maxBytes)})`;
      console.log(`${name}: ${kib(bytes)} gzip${limit}`);
      if (maxBytes !== undefined && bytes > maxBytes) {
        findings.push({
          file: entry,
          message: `weighs ${bytes} bytes gzip, at most ${maxBytes}: find what came in with npx vite build, or move it behind a second entry`,
        });
      }
    }
    return findings;
  },
};

async function measure(
  root: string,
  entry: string,
  imports: readonly string[] | undefined,
): Promise<number> {
  const file = join(root, entry);
  const page = `export ${imports === undefined ? '*' : `{ ${imports.join(', ')} }`} from ${JSON.stringify(file)};`;
  const result = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === PAGE ? PAGE : null),
        load: (id) => (id === PAGE ? page : null),
      },
    ],
    resolve: { conditions: ['@millrace/source', ...defaultClientConditions] },
    build: {
      write: false,
      minify: true,
      // Not vite's library mode: that keeps white space, which a page's own build would not.
      modulePreload: false,
      rolldownOptions: {
        input: PAGE,
        preserveEntrySignatures: 'strict',
        external: [/^react($|\/)/, /^react-dom($|\/)/],
      },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  const chunks = outputs.flatMap((each) => ('output' in each ? each.output : []));
  const code = chunks.flatMap((chunk) => (chunk.type === 'chunk' ? [chunk.code] : []));
  if (code.length === 0) throw new Error(`${entry} gave no code`);
  return gzipSync(code.join('\n'), { level: 9 }).length;
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(2)} KiB`;
}

if (import.meta.main) await runFromShell(sizeCheck);
