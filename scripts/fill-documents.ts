// Keeps what documents repeat equal to its source: code blocks under `<!-- file: path -->` are that file.
// `--write` fills them in; without it, a difference fails the check.

import { readFileSync, writeFileSync } from 'node:fs';

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md'];
const BLOCK = /<!-- file: (\S+) -->\n```(\w+)\n([\s\S]*?)```/g;

const isWriting = process.argv.includes('--write');
const stale: string[] = [];

for (const path of DOCUMENTS) {
  const before = readFileSync(path, 'utf8');
  const after = before.replace(BLOCK, (_, file: string, language: string) => {
    return `<!-- file: ${file} -->\n\`\`\`${language}\n${readFileSync(file, 'utf8')}\`\`\``;
  });
  if (after === before) continue;
  if (isWriting) writeFileSync(path, after);
  else stale.push(path);
}

if (stale.length > 0) {
  console.error(`${stale.join(', ')}: a code block is not what its file says. Run: npm run format`);
  process.exitCode = 1;
}
