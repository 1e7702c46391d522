// What types `usePresence` and `useTypingIndicator` infer from a contract, and what must not compile. Checked by tsc, never run.

import { defineChannel, type StandardSchema } from '@millrace/protocol';
import { agentMessages, typing } from '@millrace/protocol/channels';
import { usePresence } from './use-presence.ts';
import { useTypingIndicator } from './use-typing-indicator.ts';

declare const said: StandardSchema<{ readonly text: string }>;
/** One whose output is not its input. */
declare const person: StandardSchema<{ readonly name?: string }, { readonly name: string }>;
const room = defineChannel({
  type: 'room',
  params: ['id'],
  events: { said },
  presence: person,
  ephemeral: { ...typing, pointed: said },
}).of({ id: '7' });

type Equal<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
function expectTrue<_Claim extends true>(): void {}

export function useInference(): void {
  const { members, me, update, status, error } = usePresence(room, { data: {} });
  expectTrue<Equal<(typeof members)[number]['data'], { readonly name: string }>>();
  expectTrue<
    Equal<NonNullable<typeof me>['sessions'][number]['data'], { readonly name: string }>
  >();
  expectTrue<Equal<typeof status, 'idle' | 'loading' | 'live' | 'stale' | 'refused'>>();
  expectTrue<Equal<typeof error, string | null>>();
  update({ name: 'Ada' });
  // @ts-expect-error -- the data is of another shape
  update({ name: 7 });
  // @ts-expect-error -- here too
  usePresence(room, { data: { name: 7 } });
  // @ts-expect-error -- results are not for writing
  expectTrue<typeof members extends unknown[] ? true : false>();

  // A contract that says nothing of presence: anything with a JSON form.
  const anybody = usePresence(agentMessages.of(), { data: { any: ['thing'] } });
  expectTrue<Equal<(typeof anybody.members)[number]['data'], unknown>>();

  const { isTyping } = useTypingIndicator(room);
  expectTrue<Equal<(typeof isTyping)[string]['since'], number>>();
  // @ts-expect-error -- its contract has no `typing`
  useTypingIndicator(agentMessages.of());
}
