import { type Client, createClient } from '@millrace/client';
import { createFakeLink, type FakeLink } from '@millrace/client/testing';
import { defineChannel, MillraceError, type StandardSchema } from '@millrace/protocol';
import { agentMessages } from '@millrace/protocol/channels';
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { type ReactElement, type ReactNode, StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MillraceProvider } from './provider.ts';
import { type UseChannelOptions, useChannel } from './use-channel.ts';

const added: StandardSchema<{ readonly by: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'object' && value !== null && 'by' in value && typeof value.by === 'number'
        ? { value: { by: value.by } }
        : { issues: [{ message: 'must have a number `by`' }] },
  },
};

const counters = defineChannel({
  type: 'counters',
  params: ['name'],
  events: { added },
  state: { initial: 0, reduce: (sum, event) => sum + event.data.by },
});

const channel = agentMessages.of();
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

function emit(id: string): void {
  const timestamp = '2026-01-02T03:04:05Z';
  const data = { id, agentId: 'ada', type: 'trade', content: `Trade ${id}.`, timestamp } as const;
  link.emit(channel, { type: 'message', data });
}

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

function renderChannel(options: UseChannelOptions = {}, wrapper = Provided) {
  const renders = { count: 0 };
  const hook = renderHook(
    (given: UseChannelOptions) => {
      renders.count += 1;
      const view = useChannel(channel, given);
      return { view, ids: view.events.map((event) => event.data.id) };
    },
    { initialProps: options, wrapper },
  );
  return { ...hook, renders };
}

function sentOf(type: string): unknown[] {
  return link.sent.filter((frame) => frame.type === type);
}

describe('useChannel', () => {
  it('loads, then gives the events that follow, oldest first', async () => {
    const { result } = renderChannel();
    expect(result.current.view).toMatchObject({ isLoading: true, events: [], error: null });
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    emit('m1');
    emit('m2');
    await waitFor(() => expect(result.current.ids).toEqual(['m1', 'm2']));
    expect(result.current.view.verdict?.verdict).toBe('exact');
    expect(result.current.view.cursor?.offset).toBe(2);
  });

  it('gives a late subscriber what it asks for of the past', async () => {
    const first = renderChannel();
    await waitFor(() => expect(first.result.current.view.isLoading).toBe(false));
    for (const id of ['m1', 'm2', 'm3']) emit(id);
    await waitFor(() => expect(first.result.current.ids).toHaveLength(3));
    const late = renderChannel({ start: { last: 2 } });
    await waitFor(() => expect(late.result.current.ids).toEqual(['m2', 'm3']));
  });

  it('holds the newest `keep`', async () => {
    const { result, rerender } = renderChannel({ keep: 2 });
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    for (const id of ['m1', 'm2', 'm3']) emit(id);
    await waitFor(() => expect(result.current.ids).toEqual(['m2', 'm3']));
    rerender({ keep: 0 });
    expect(result.current.ids).toEqual([]);
  });

  it('commits a burst in frames, not event by event', async () => {
    vi.useFakeTimers();
    const { result, renders } = renderChannel();
    await act(() => vi.advanceTimersByTimeAsync(100));
    const before = renders.count;
    for (let at = 1; at <= 100; at += 1) {
      emit(`m${at}`);
      await act(() => vi.advanceTimersByTimeAsync(10));
    }
    await act(() => vi.advanceTimersByTimeAsync(16));
    expect(result.current.ids).toHaveLength(100);
    expect(renders.count - before).toBeLessThanOrEqual(63);
    expect(renders.count - before).toBeGreaterThan(10);
  });

  it('is the same object until something changes', async () => {
    const { result, rerender } = renderChannel();
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    const before = result.current.view;
    rerender({});
    expect(result.current.view).toBe(before);
  });

  it('subscribes once under Strict Mode', async () => {
    const { result } = renderChannel({}, Strict);
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    emit('m1');
    await waitFor(() => expect(result.current.ids).toEqual(['m1']));
    expect(sentOf('connect')).toHaveLength(1);
    expect([...sentOf('subscribe'), ...sentOf('unsubscribe')]).toEqual([]);
  });

  it('stays on the same link when it is mounted anew in place, as hot reload does', async () => {
    const { result, unmount } = renderChannel();
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    unmount();
    const again = renderChannel({ start: 'start' });
    emit('m1');
    await waitFor(() => expect(again.result.current.ids).toEqual(['m1']));
    expect(sentOf('connect')).toHaveLength(1);
  });

  it('lets go of the channel when it unmounts', async () => {
    const { result, unmount } = renderChannel();
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    unmount();
    await waitFor(() => expect(sentOf('unsubscribe')).toHaveLength(1));
  });

  it('keeps what it has while it is disabled, and goes on where it was', async () => {
    const { result, rerender } = renderChannel({ enabled: false });
    expect(result.current.view.isLoading).toBe(false);
    expect(client.status.getSnapshot().status).toBe('idle');

    rerender({ enabled: true });
    expect(result.current.view.isLoading).toBe(true);
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    emit('m1');
    await waitFor(() => expect(result.current.ids).toEqual(['m1']));

    rerender({ enabled: false });
    await waitFor(() => expect(sentOf('unsubscribe')).toHaveLength(1));
    emit('m2');
    expect(result.current.ids).toEqual(['m1']);
    rerender({ enabled: true });
    await waitFor(() => expect(result.current.ids).toEqual(['m1', 'm2']));
  });

  it('gives each event once across a cut', async () => {
    const { result } = renderChannel();
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    emit('m1');
    link.cut();
    emit('m2');
    await waitFor(() => expect(result.current.ids).toEqual(['m1', 'm2']));
  });

  it('says why it gets nothing', async () => {
    const error = new MillraceError('auth/denied', 'Sign in to read this.');
    link.verdict(channel, { verdict: 'denied', error });
    const { result } = renderChannel();
    await waitFor(() => expect(result.current.view.error).toBe('Sign in to read this.'));
    expect(result.current.view.isLoading).toBe(false);
  });

  it('says why the connection was refused for good', async () => {
    link.hold();
    const { result } = renderChannel();
    await waitFor(() => expect(sentOf('connect')).toHaveLength(1));
    link.refuse(new MillraceError('auth/denied', 'Not from this page.'));
    await waitFor(() => expect(result.current.view.error).toBe('Not from this page.'));
  });

  it('tells of the end', async () => {
    const { result } = renderChannel();
    await waitFor(() => expect(result.current.view.isLoading).toBe(false));
    emit('m1');
    link.end(channel);
    await waitFor(() => expect(result.current.view.isEnded).toBe(true));
    expect(result.current.ids).toEqual(['m1']);
  });

  it('gives the state of a contract that has one, and another channel’s when that changes', async () => {
    const { result, rerender } = renderHook(
      (props: { name: string }) => useChannel(counters.of({ name: props.name })),
      { initialProps: { name: 'a' }, wrapper: Provided },
    );
    expect(result.current.state).toBeUndefined();
    link.setState(counters.of({ name: 'a' }), 5);
    link.setState(counters.of({ name: 'b' }), 70);
    await waitFor(() => expect(result.current.state).toBe(5));
    link.emit(counters.of({ name: 'a' }), { type: 'added', data: { by: 2 } });
    await waitFor(() => expect(result.current.state).toBe(7));
    expect(result.current.events).toEqual([]);

    rerender({ name: 'b' });
    expect(result.current.state).toBeUndefined();
    await waitFor(() => expect(result.current.state).toBe(70));
  });

  it('throws readably where there is no provider', () => {
    const silence = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(() => renderHook(() => useChannel(channel))).toThrow(/MillraceProvider/);
    silence.mockRestore();
  });
});
