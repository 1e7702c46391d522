// What types `useChannel` infers from a contract, and what must not compile. Checked by tsc, never run.

import { defineChannel, type StandardSchema } from '@millrace/protocol';
import type { AgentMessage } from '@millrace/protocol/channels';
import { agentMessages } from '@millrace/protocol/channels';
import { useChannel } from './use-channel.ts';

declare const added: StandardSchema<{ readonly by: number }>;
const counters = defineChannel({
  type: 'counters',
  params: ['name'],
  events: { added },
  state: { initial: 0, reduce: (sum, event) => sum + event.data.by },
});

type Equal<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
function expectTrue<_Claim extends true>(): void {}

export function useInference(): void {
  const messages = useChannel(agentMessages.of(), { start: { last: 20 } });
  expectTrue<Equal<(typeof messages.events)[number]['data'], AgentMessage>>();
  expectTrue<Equal<(typeof messages.events)[number]['type'], 'message'>>();
  expectTrue<Equal<typeof messages.state, undefined>>();
  expectTrue<Equal<typeof messages.error, string | null>>();

  const counter = useChannel(counters.of({ name: 'a' }));
  expectTrue<Equal<typeof counter.state, number | undefined>>();

  // @ts-expect-error -- a contract is no channel: it still lacks its parameters
  useChannel(counters);
  // @ts-expect-error -- the parameter is missing
  useChannel(counters.of({}));
  // @ts-expect-error -- no such beginning
  useChannel(agentMessages.of(), { start: 'yesterday' });
  type Data = (typeof messages.events)[number]['data'];
  // @ts-expect-error -- data has no such field
  expectTrue<Equal<Data['price'], number>>();
  // @ts-expect-error -- results are not for writing
  expectTrue<typeof messages.events extends unknown[] ? true : false>();
}
