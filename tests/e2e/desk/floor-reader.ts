// A real client on one carrier that keeps all it is told of the Floor: messages with their places, ticks of the market,
// verdicts. Knows nothing of nodes.

import { createClient } from '@millrace/client';
import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';
import { agentMessages } from '@millrace/protocol/channels';
import { until } from '../../support/wait.ts';

export type Carrier = 'websocket' | 'sse' | 'poll';

export interface FloorReader extends AsyncDisposable {
  readonly carrier: Carrier;
  /** By offset: the message's id. */
  readonly messages: readonly { readonly offset: number; readonly id: string }[];
  readonly ticks: readonly number[];
  readonly verdicts: ReadonlySet<string>;
  /** What the client could not hide. */
  readonly troubles: readonly string[];
}

interface Tick {
  readonly tick: number;
}

const tickSchema: StandardSchema<Tick> = {
  '~standard': {
    version: 1,
    vendor: 'millrace-tests',
    validate: (value) =>
      isTick(value) ? { value } : { issues: [{ message: 'a tick has its number' }] },
  },
};

interface Board {
  readonly latest: Tick | null;
}

const emptyBoard: Board = { latest: null };

/** Desk's own, as far as it is looked at here. */
const marketTicks: Contract<never, { readonly tick: StandardSchema<Tick> }, Board> = defineChannel({
  type: 'market_ticks',
  events: { tick: tickSchema },
  state: { initial: emptyBoard, reduce: (_, event) => ({ latest: event.data }) },
});

function isTick(value: unknown): value is Tick {
  return (
    typeof value === 'object' && value !== null && 'tick' in value && typeof value.tick === 'number'
  );
}

/** Resolves once it has been told where it begins. */
export async function openFloorReader(url: string, carrier: Carrier): Promise<FloorReader> {
  const messages: { offset: number; id: string }[] = [];
  const ticks: number[] = [];
  const verdicts = new Set<string>();
  const troubles: string[] = [];
  const client = createClient({
    url: `${url}/realtime`,
    transports: [carrier],
    beatMs: 1_000,
    onError: (error) => troubles.push(error.message),
  });
  client.subscribe(agentMessages.of(), {
    onVerdict: ({ verdict }) => verdicts.add(verdict),
    onEvent: ({ data }, { offset }) => messages.push({ offset, id: data.id }),
  });
  let isTold = false;
  client.subscribe(marketTicks.of(), {
    onVerdict({ verdict }) {
      // The first tells the state, and that is no loss.
      if (isTold) verdicts.add(verdict);
      isTold = true;
    },
    onEvent: ({ data }) => ticks.push(data.tick),
  });
  await until(() => isTold && verdicts.size > 0, {
    label: `a reader over ${carrier} to begin`,
    deadlineMs: 30_000,
    details: () => troubles.join('\n'),
  });
  return {
    ...{ carrier, messages, ticks, verdicts, troubles },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
