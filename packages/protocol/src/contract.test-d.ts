// What the types of a contract must let through and must refuse, with no generics at a call site. `tsc` is the test.

import { type AgentMessage, agentMessages } from './channels/index.ts';
import {
  type Channel,
  defineChannel,
  type EventInput,
  type EventOf,
  type EventSchemas,
} from './contract.ts';
import type { StandardSchema } from './standard-schema.ts';

type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
const same = <_Claim extends true>(): void => undefined;

/** Schemas as any library of the Standard Schema interface gives them. */
declare const progress: StandardSchema<{ done: number; note?: string | undefined }>;
/** One whose output is not its input. */
declare const failure: StandardSchema<{ reason: string }, { reason: number }>;

/** As a hub and a client take a channel and its event. */
declare function publish<Events extends EventSchemas, State>(
  channel: Channel<Events, State>,
  event: EventInput<NoInfer<Events>>,
): void;
declare function read<Events extends EventSchemas, State>(
  channel: Channel<Events, State>,
  listener: (event: EventOf<Events>, state: State) => void,
): void;

const job = defineChannel({
  type: 'job',
  params: ['jobId', 'part'],
  events: {
    progressed: progress,
    failed: failure,
  },
  state: {
    initial: { done: 0, reasons: [] as readonly number[] },
    reduce: (state, event) => {
      switch (event.type) {
        case 'progressed':
          same<Same<typeof event.data, { done: number; note?: string | undefined }>>();
          return { ...state, done: event.data.done };
        case 'failed':
          // What a reader gets is the schema's output.
          return { ...state, reasons: [...state.reasons, event.data.reason] };
      }
    },
  },
});

// Parameters are known by name.
const channel = job.of({ jobId: '7', part: 'a' });
// @ts-expect-error a parameter is missing
job.of({ jobId: '7' });
// @ts-expect-error no such parameter
job.of({ jobId: '7', part: 'a', other: 'b' });
// @ts-expect-error parameters are texts
job.of({ jobId: 7, part: 'a' });
// @ts-expect-error it has parameters
job.of();
agentMessages.of();
// @ts-expect-error it has none
agentMessages.of({ agentId: 'a' });

// A publisher gives the schema's input.
publish(channel, { type: 'progressed', data: { done: 1 } });
publish(channel, { type: 'progressed', data: { done: 1, note: 'x' }, id: 'mine' });
publish(channel, { type: 'failed', data: { reason: '12' } });
// @ts-expect-error no such event
publish(channel, { type: 'stopped', data: {} });
// @ts-expect-error wrong data
publish(channel, { type: 'progressed', data: { done: '1' } });
// @ts-expect-error the data of another event
publish(channel, { type: 'failed', data: { done: 1 } });
// @ts-expect-error the input is a text, although the output is a number
publish(channel, { type: 'failed', data: { reason: 12 } });
// @ts-expect-error no data
publish(channel, { type: 'progressed' });

// A reader gets a union that its `type` tells apart, and the state.
read(channel, (event, state) => {
  same<Same<typeof state, { done: number; reasons: readonly number[] }>>();
  same<Same<typeof event.type, 'progressed' | 'failed'>>();
  if (event.type === 'failed') same<Same<typeof event.data.reason, number>>();
  // @ts-expect-error only after its type is known
  void event.data.reason;
});
read(agentMessages.of(), (event, state) => {
  same<Same<typeof event.data, AgentMessage>>();
  same<Same<typeof state, undefined>>();
});

// A definition that contradicts itself in types.
defineChannel({
  type: 'job',
  events: { progressed: progress },
  // @ts-expect-error the reducer returns another state
  state: { initial: 0, reduce: (state, event) => `${state}${event.type}` },
});
defineChannel({
  type: 'job',
  // @ts-expect-error no schema
  events: { progressed: { done: 'number' } },
});
// @ts-expect-error nobody is called everyone
defineChannel({ type: 'job', events: { said: progress }, access: { publish: 'everyone' } });

// Presence and ephemeral events are typed by their schemas, and by nothing else.
declare const person: StandardSchema<{ name: string }>;
declare const pointer: StandardSchema<{ x: number; y: number }>;
const room = defineChannel({
  type: 'room',
  params: ['id'],
  events: { progressed: progress },
  presence: person,
  ephemeral: { moved: pointer },
});
type Room = ReturnType<typeof room.of>;
same<Same<NonNullable<Room['contract']['presence']>, StandardSchema<{ name: string }>>>();
same<Same<EventInput<NonNullable<Room['contract']['ephemeral']>>['type'], 'moved'>>();
// Whoever knows only events and state takes it as any other.
publish(room.of({ id: '1' }), { type: 'progressed', data: { done: 1 } });
// @ts-expect-error an ephemeral event is never published
publish(room.of({ id: '1' }), { type: 'moved', data: { x: 1, y: 2 } });
read(room.of({ id: '1' }), (event) => void event.data.done);
// A contract without them has none.
same<Same<keyof NonNullable<(typeof channel)['contract']['ephemeral']>, never>>();
// @ts-expect-error nobody is called everyone
defineChannel({ type: 'job', events: { said: progress }, access: { presence: 'everyone' } });
