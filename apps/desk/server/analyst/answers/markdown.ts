// Answers as Markdown: blocks, tables, lists. Pure. Cells are escaped, since names in them are users' own.

/** Blocks with an empty line between them; what is null or empty is left out. */
export function blocks(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join('\n\n');
}

/** A first column of words, the others as told: `l` left, `r` right. */
export function table(
  heads: readonly string[],
  align: string,
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  const rule = heads.map((_, n) => (align[n] === 'r' ? '---:' : '---'));
  return [line(heads), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

export function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

export function numbered(items: readonly string[]): string {
  return items.map((item, n) => `${n + 1}. ${item}`).join('\n');
}

/** A name that somebody chose: nothing in it is Markdown. */
export function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|~]/g, String.raw`\$&`).replace(/\s+/g, ' ');
}

/** What could be asked next. */
export function next(...questions: readonly string[]): string {
  return `*You could ask next: ${questions.map((one) => `“${one}”`).join(' or ')}*`;
}

function cell(text: string): string {
  return text.replace(/\n/g, ' ').replace(/(?<!\\)\|/g, String.raw`\|`);
}
