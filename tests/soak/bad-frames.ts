// Frames that no client of ours sends: well-formed ones with something in them replaced, taken away, or torn. As
// fast-check arbitraries, so that a failing one is made small and named by its seed. Sends nothing.

import fc from 'fast-check';

const session = fc.stringMatching(/^[A-Za-z0-9_-]{22,40}$/);
const channel = fc.constantFrom(
  'numbers:a',
  'numbers:b',
  'sums:a',
  'numbers',
  'nobody:knows',
  'vault:x',
);
const from = fc.constantFrom<unknown>('now', 'start', { last: 3 });
const item = fc.oneof(
  fc.record({ channel, from, version: fc.constantFrom(1, 2) }),
  fc.record({ channel, cursor: fc.constantFrom('e.0', 'e.7', 'abc_-.12') }),
);
const event = fc.record({
  type: fc.constantFrom('counted', 'passed', 'other'),
  data: fc.constantFrom<unknown>({ n: 1 }, { n: 'x' }, null),
});

const wish = fc.record(
  {
    channel,
    watch: fc.boolean(),
    have: fc.constantFrom('', '0.0', 'a.b'),
    data: fc.constantFrom<unknown>({ name: 'x' }, null, 'x'.repeat(3_000)),
    leave: fc.boolean(),
    ephemeral: fc.boolean(),
  },
  { requiredKeys: ['channel'] },
);

/** As a client of ours would write them. */
const soundFrame: fc.Arbitrary<object> = fc.oneof(
  fc.record({
    type: fc.constant('connect'),
    protocol: fc.constant(1),
    session,
    link: fc.nat(1_000),
    beatMs: fc.constantFrom(1_000, 20_000),
    holdMs: fc.constant(0),
    channels: fc.array(item, { maxLength: 3 }),
    presence: fc.array(wish, { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('presence'), channels: fc.array(wish, { maxLength: 3 }) }),
  fc.record({ type: fc.constant('ephemeral'), channel, event }),
  fc.record({ session, events: fc.array(fc.record({ channel, event }), { maxLength: 3 }) }),
  fc.record({ type: fc.constant('subscribe'), channels: fc.array(item, { maxLength: 3 }) }),
  fc.record({ type: fc.constant('unsubscribe'), channels: fc.array(channel, { maxLength: 3 }) }),
  fc.record({
    type: fc.constant('publish'),
    id: fc.nat(100),
    events: fc.array(fc.record({ channel, event, key: fc.string() }), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('token'), token: fc.string() }),
  fc.record({ type: fc.constant('probe') }),
);

/** JSON texts that a field may not expect. */
export const nastyTexts: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '-0',
  '1.5',
  '1e999',
  '-1e308',
  '9007199254740993',
  '""',
  '"\\u0000"',
  '"a\\r\\nid: 7\\r\\n\\r\\ndata: {}"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u2028"',
  '"__proto__"',
  '"constructor"',
  '"numbers:%2e%2e"',
  '"numbers:%00"',
  '"numbers:%zz"',
  '"now"',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":null,"toJSON":"x"}',
  '{"length":-1}',
  '{"then":1}',
  `${'['.repeat(70)}${']'.repeat(70)}`,
  `"${'x'.repeat(500)}"`,
];

const nasty = fc.constantFrom(...nastyTexts);

/** Every place of a value in a JSON text that `JSON.stringify` wrote: where a value begins and ends. */
function places(value: unknown, at: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[...at]];
  return [[...at], ...Object.entries(value).flatMap(([key, one]) => places(one, [...at, key]))];
}

/** The text with the value at that place replaced by any text: what JSON cannot hold too. */
function replaced(
  value: unknown,
  [head, ...rest]: readonly (string | number)[],
  by: string,
): string {
  if (head === undefined || typeof value !== 'object' || value === null) return by;
  const inner = (key: string, one: unknown): string =>
    key === `${head}` ? replaced(one, rest, by) : JSON.stringify(one);
  if (Array.isArray(value)) {
    return `[${value.map((one, index) => inner(`${index}`, one)).join()}]`;
  }
  const entries = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}:${inner(key, one)}`,
  );
  return `{${entries.join()}}`;
}

function without(value: object, name: string): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)));
}

/** One text as it might come from somebody who means harm, or from a broken proxy. */
export const badFrame: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(soundFrame, fc.nat(), nasty).map(([frame, pick, by]) => {
      const all = places(frame);
      return replaced(frame, all[pick % all.length] ?? [], by);
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(soundFrame, fc.nat()).map(([frame, pick]) => {
      const keys = Object.keys(frame);
      return without(frame, keys[pick % keys.length] ?? '');
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(soundFrame, fc.nat(), fc.string({ unit: 'binary', maxLength: 4 }))
      .map(([frame, pick, noise]) => {
        const text = JSON.stringify(frame);
        const at = pick % text.length;
        return text.slice(0, at) + noise + text.slice(at + (pick % 3));
      }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(soundFrame, fc.nat()).map(([frame, pick]) => {
      const text = JSON.stringify(frame);
      return text.slice(0, pick % text.length);
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(soundFrame, nasty)
      .map(([frame, by]) => `${JSON.stringify(frame).slice(0, -1)},"__proto__":${by},"new":${by}}`),
  },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: soundFrame.map((frame) => JSON.stringify(frame)) },
);
