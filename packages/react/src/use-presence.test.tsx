import { type Client, createClient } from '@millrace/client';
import { createFakeLink, type FakeLink } from '@millrace/client/testing';
import { defineChannel, MillraceError, type StandardSchema } from '@millrace/protocol';
import { typing } from '@millrace/protocol/channels';
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { type ReactElement, type ReactNode, StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { MillraceProvider } from './provider.ts';
import { type UsePresenceOptions, usePresence } from './use-presence.ts';
import { useTypingIndicator } from './use-typing-indicator.ts';

interface Person {
  readonly name: string;
}

const person: StandardSchema<Person> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ value: value as Person }),
  },
};

const rooms = defineChannel({
  type: 'rooms',
  params: ['id'],
  events: { said: person },
  presence: person,
  ephemeral: typing,
});
const room = rooms.of({ id: '1' });
const bob = { id: 'bob', since: 5, sessions: [{ id: 'b', at: 5, data: { name: 'Bob' } }] };

let link: FakeLink;
let client: Client;

beforeEach(() => {
  link = createFakeLink();
  client = createClient(link.options);
});

afterEach(async () => {
  cleanup();
  await client.close();
  vi.useRealTimers();
});

function Provided(props: { readonly children: ReactNode }): ReactElement {
  return <MillraceProvider client={client}>{props.children}</MillraceProvider>;
}

function Strict(props: { readonly children: ReactNode }): ReactElement {
  return (
    <StrictMode>
      <Provided>{props.children}</Provided>
    </StrictMode>
  );
}

function renderPresence(options: UsePresenceOptions<Person> = {}, wrapper = Provided) {
  const renders = { count: 0 };
  const hook = renderHook(
    (given: UsePresenceOptions<Person>) => {
      renders.count += 1;
      return usePresence(room, given);
    },
    { initialProps: options, wrapper },
  );
  return { ...hook, renders };
}

/** All that was told about the room, oldest first. */
function told(): unknown[] {
  return link.sent.flatMap((frame) => {
    if (frame.type === 'connect') return frame.presence ?? [];
    return frame.type === 'presence' ? frame.channels : [];
  });
}

const names = (members: readonly { readonly data: Person }[]): string[] =>
  members.map(({ data }) => data.name);

describe('usePresence', () => {
  it('loads, is present with its data, and shows the others', async () => {
    link.setMembers(room, [bob]);
    const { result } = renderPresence({ data: { name: 'Ada' } });
    expect(result.current).toMatchObject({ status: 'loading', members: [], me: null, error: null });
    await waitFor(() => expect(names(result.current.members)).toEqual(['Bob', 'Ada']));
    expect(result.current).toMatchObject({
      status: 'live',
      me: { id: 'me', data: { name: 'Ada' } },
    });
    expectTypeOf(result.current.me).toMatchTypeOf<{ readonly data: Person } | null>();
  });

  it('leaves on unmount, by a word and not by the end of the link', async () => {
    const { result, unmount } = renderPresence({ data: { name: 'Ada' } });
    await waitFor(() => expect(result.current.me).not.toBeNull());
    unmount();
    await waitFor(() => expect(told().at(-1)).toEqual({ channel: 'rooms:1', leave: true }));
    expect(client.status.getSnapshot().status).toBe('open');
  });

  it('enters once under Strict Mode, and never leaves in between', async () => {
    const { result } = renderPresence({ data: { name: 'Ada' } }, Strict);
    await waitFor(() => expect(result.current.me).not.toBeNull());
    expect(told()).toEqual([{ channel: 'rooms:1', watch: true, data: { name: 'Ada' } }]);
  });

  it('renders again only for what changed, with the members that did not as they were', async () => {
    link.setMembers(room, [bob]);
    const { result, rerender, renders } = renderPresence({ data: { name: 'Ada' } });
    await waitFor(() => expect(result.current.members).toHaveLength(2));
    const before = result.current;
    rerender({ data: { name: 'Ada' } });
    expect(result.current.members).toBe(before.members);
    expect(result.current.update).toBe(before.update);
    const count = renders.count;
    const cy = { ...bob, id: 'cy', since: 9 };
    act(() => link.setMembers(room, [bob, cy]));
    await waitFor(() => expect(result.current.members).toHaveLength(3));
    expect(result.current.members[0]).toBe(before.members[0]);
    expect(renders.count).toBe(count + 1);
  });

  it('tells a change of `data`, and `update` of one without', async () => {
    const { result, rerender } = renderPresence({ data: { name: 'Ada' } });
    await waitFor(() => expect(result.current.me?.data).toEqual({ name: 'Ada' }));
    rerender({ data: { name: 'Ada L.' } });
    await waitFor(() => expect(result.current.me?.data).toEqual({ name: 'Ada L.' }));
    act(() => result.current.update({ name: 'Countess' }));
    await waitFor(() => expect(result.current.me?.data).toEqual({ name: 'Countess' }));
  });

  it('only looks when it is told to, and does nothing when it is disabled', async () => {
    link.setMembers(room, [bob]);
    const { result, rerender } = renderPresence({ enter: false });
    await waitFor(() => expect(result.current.members).toHaveLength(1));
    expect(told()).toEqual([{ channel: 'rooms:1', watch: true }]);
    rerender({ enabled: false });
    await waitFor(() => expect(told().at(-1)).toEqual({ channel: 'rooms:1' }));
    expect(result.current).toMatchObject({ status: 'idle', members: [] });
  });

  it('says why nobody is shown', async () => {
    const { result } = renderPresence();
    await waitFor(() => expect(result.current.status).toBe('live'));
    const error = new MillraceError('auth/denied', 'Not you.');
    act(() => link.sendLive({ type: 'presence', channel: room.name, error }));
    await waitFor(() =>
      expect(result.current).toMatchObject({ status: 'refused', error: 'Not you.' }),
    );
  });

  it('keeps showing who was there while the link is lost', async () => {
    link.setMembers(room, [bob]);
    const { result } = renderPresence({ data: { name: 'Ada' } });
    await waitFor(() => expect(result.current.members).toHaveLength(2));
    link.hold();
    act(() => link.cut());
    await waitFor(() => expect(result.current.status).toBe('stale'));
    expect(result.current.members).toHaveLength(2);
    link.accept();
    await waitFor(() => expect(result.current.status).toBe('live'));
  });
});

describe('useTypingIndicator', () => {
  const from = { id: 'bob', session: 'b' };
  const sent = (): unknown[] =>
    link.sent.flatMap((frame) => (frame.type === 'ephemeral' ? [frame.event.data] : []));

  function renderTyping() {
    return renderHook(() => useTypingIndicator(room), { wrapper: Provided });
  }

  it('shows who types, until they stop or go on with nothing', async () => {
    vi.useFakeTimers();
    const { result } = renderTyping();
    await act(() => vi.advanceTimersByTimeAsync(100));
    link.pass(room, { type: 'typing', data: { state: 'typing' }, from });
    link.pass(room, {
      type: 'typing',
      data: { state: 'typing' },
      from: { id: 'cy', session: 'c' },
    });
    link.pass(room, {
      type: 'typing',
      data: { state: 'typing' },
      from: { id: 'me', session: 'x' },
    });
    await act(() => vi.advanceTimersByTimeAsync(100));
    expect(Object.keys(result.current.isTyping)).toEqual(['bob', 'cy']);
    const { bob: first } = result.current.isTyping;
    link.pass(room, {
      type: 'typing',
      data: { state: 'stopped' },
      from: { id: 'cy', session: 'c' },
    });
    await act(() => vi.advanceTimersByTimeAsync(4_000));
    link.pass(room, { type: 'typing', data: { state: 'typing' }, from });
    await act(() => vi.advanceTimersByTimeAsync(4_000));
    expect(result.current.isTyping).toEqual({ bob: first });
    expect(result.current.isTyping['bob']).toBe(first);
    await act(() => vi.advanceTimersByTimeAsync(2_000));
    expect(result.current.isTyping).toEqual({});
  });

  it('tells that one types at once, then now and then, and that one has stopped', async () => {
    vi.useFakeTimers();
    const { result, unmount } = renderTyping();
    await act(() => vi.advanceTimersByTimeAsync(100));
    for (let key = 0; key < 30; key += 1) {
      act(() => result.current.startTyping());
      await act(() => vi.advanceTimersByTimeAsync(100));
    }
    expect(sent()).toEqual([{ state: 'typing' }, { state: 'typing' }]);
    act(() => result.current.stopTyping());
    act(() => result.current.stopTyping());
    await act(() => vi.advanceTimersByTimeAsync(200));
    expect(sent().slice(2)).toEqual([{ state: 'stopped' }]);
    act(() => result.current.startTyping());
    await act(() => vi.advanceTimersByTimeAsync(4_200));
    expect(sent().slice(3)).toEqual([{ state: 'typing' }, { state: 'stopped' }]);
    act(() => result.current.startTyping());
    unmount();
    await vi.advanceTimersByTimeAsync(200);
    expect(sent().slice(5)).toEqual([{ state: 'typing' }, { state: 'stopped' }]);
  });
});
