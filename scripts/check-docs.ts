// Documents quote, they do not repeat: a code block under `<!-- file: PATH -->` is that file, and
// the table between `<!-- table: settings -->` and `<!-- /table -->` is made from Desk's settings.
// `--write` (npm run docs) brings the documents up to date.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Check, type Finding, runFromShell } from './lib/check.ts';
import { listFiles, readText } from './lib/files.ts';

const settingsSource = 'apps/desk/server/settings/table.ts';
const snippet = /(<!-- file: (\S+) -->\n```\w*\n)([\s\S]*?)(```\n)/g;
const settingsTable = /(<!-- table: settings -->\n)([\s\S]*?)(<!-- \/table -->)/;

export const docsCheck: Check = {
  name: 'snippets and tables',
  async run(root) {
    const findings: Finding[] = [];
    for (const file of listFiles(root).filter((path) => /^([^/]+|docs\/.*)\.md$/.test(path))) {
      const text = readText(root, file);
      const missing = [...text.matchAll(snippet)].find(([, , path = '']) => !isFile(root, path));
      if (missing !== undefined) {
        findings.push({ file, message: `quotes ${missing[2]}, which does not exist` });
        continue;
      }
      const current = await bringUpToDate(root, text);
      if (current === text) continue;
      if (process.argv.includes('--write')) writeFileSync(join(root, file), current);
      else findings.push({ file, message: 'quotes what has changed since: run npm run docs' });
    }
    return findings;
  },
};

async function bringUpToDate(root: string, text: string): Promise<string> {
  const quoted = text.replace(
    snippet,
    (_, open: string, path: string, _old: string, close: string) =>
      `${open}${readText(root, path).trimEnd()}\n${close}`,
  );
  if (!settingsTable.test(quoted)) return quoted;
  const table = await renderSettings(root);
  return quoted.replace(
    settingsTable,
    (_, open: string, _old: string, close: string) => `${open}${table}${close}`,
  );
}

interface SettingRow {
  readonly name: string;
  readonly meaning: string;
  readonly allowed: string;
  readonly fallback: string;
}

async function renderSettings(root: string): Promise<string> {
  const loaded: { SETTINGS: readonly SettingRow[] } = await import(
    pathToFileURL(join(root, settingsSource)).href
  );
  const rows = loaded.SETTINGS.map(
    ({ name, meaning, allowed, fallback }) =>
      `| \`${name}\` | ${fallback === '' ? '–' : `\`${fallback}\``} | ${cell(meaning)} | ${cell(allowed)} |`,
  );
  return ['| setting | default | meaning | allowed |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function isFile(root: string, path: string): boolean {
  return existsSync(join(root, path));
}

if (import.meta.main) await runFromShell(docsCheck);
