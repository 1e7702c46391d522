// Which addresses a model's text may lead to. Pure.

const ALLOWED = new Set(['http:', 'https:', 'mailto:']);

/** Null for what is no absolute address of the web: scripts, data, files, and paths of the page that shows it. */
export function webAddress(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return ALLOWED.has(url.protocol) ? url : null;
}
