// Whether a text is a cron expression of five fields. The scheduler parses it again when it starts;
// this one is here so that a typing error stops the start with a plain message.

const FIELDS = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12 },
  { least: 0, most: 7 },
] as const;

export function isCronExpression(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return (
    fields.length === FIELDS.length &&
    FIELDS.every((range, n) => (fields[n] ?? '').split(',').every((part) => isPart(part, range)))
  );
}

/** `*`, `5`, `1-5`, each with an optional step: a slash and a number. */
function isPart(part: string, range: { least: number; most: number }): boolean {
  const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
  if (match === null) return false;
  const [, from, to, step] = match;
  const isWithin = (value: string | undefined): boolean =>
    value === undefined || (Number(value) >= range.least && Number(value) <= range.most);
  const isOrdered = to === undefined || Number(from) <= Number(to);
  return isWithin(from) && isWithin(to) && isOrdered && (step === undefined || Number(step) > 0);
}
