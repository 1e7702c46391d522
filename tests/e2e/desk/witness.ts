// An honest client beside the rubbish: one that must notice nothing. Owns the client; what it
// noticed is asked for at the end.

import { createClient } from '@millrace/client';
import { agentMessages } from '@millrace/protocol/channels';
import { until } from '../../support/wait.ts';

export interface Witness extends AsyncDisposable {
  /** Has an event reach it and rejects when its link was not open all the time. */
  hasNoticedNothing(): Promise<void>;
}

export async function startWitness(url: string): Promise<Witness> {
  const noticed: string[] = [];
  const ids: string[] = [];
  const client = createClient({
    url: `${url}/realtime`,
    beatMs: 2_000,
    onError: ({ code }) => void noticed.push(code),
  });
  client.subscribe(agentMessages.of(), {
    onEvent: ({ data }) => ids.push(data.id),
    onVerdict: ({ verdict }) => void (verdict === 'exact' || noticed.push(verdict)),
  });
  await until(() => client.status.getSnapshot().status === 'open', {
    label: 'the witness to be connected',
  });
  client.status.subscribe(() => {
    const { status } = client.status.getSnapshot();
    if (status !== 'open') noticed.push(status);
  });
  return {
    async hasNoticedNothing() {
      const before = ids.length;
      const response = await fetch(`${url}/api/chat/generate`, { method: 'POST' });
      const answer = (await response.json()) as { messages: { id: string }[] };
      await until(() => ids.length >= before + answer.messages.length, {
        label: 'the messages at the witness',
        details: () => noticed.join(),
      });
      if (noticed.length > 0) throw new Error(`the witness noticed ${noticed.join()}`);
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
