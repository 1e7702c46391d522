// Feeds a stream to `eventsource-parser` line by line, and tells of what that passes over: a block with an `id` and no
// data, which moves the position though it is no message (SSE-2).

export function createLines(
  parser: { feed(text: string): void },
  onBareId: (id: string) => void,
): (text: string) => void {
  let rest = '';
  let bareId: string | null = null;
  let hasData = false;
  let endsInReturn = false;

  function take(line: string): void {
    parser.feed(`${line}\n`);
    const [, field, value = ''] = /^(id|data)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'id' && !value.includes('\0')) bareId = value;
    else if (field === 'data') hasData = true;
    if (line !== '') return;
    if (bareId !== null && !hasData) onBareId(bareId);
    bareId = null;
    hasData = false;
  }

  return (text) => {
    rest += text;
    // A long line in many pieces is looked at when it ends, and not with each of them.
    if (!endsInReturn && !/[\r\n]/.test(text)) return;
    endsInReturn = text.endsWith('\r');
    // A carriage return at the end may be half of a line break.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  };
}
