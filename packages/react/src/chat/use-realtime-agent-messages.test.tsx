import { type Client, createClient } from '@millrace/client';
import { createFakeLink, type FakeLink } from '@millrace/client/testing';
import { MillraceError } from '@millrace/protocol';
import { type AgentMessage, agentMessages } from '@millrace/protocol/channels';
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { type ReactElement, type ReactNode, StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MillraceProvider } from '../provider.ts';
import type { UseRealtimeAgentMessagesOptions } from './agent-messages-options.ts';
import { useRealtimeAgentMessages } from './use-realtime-agent-messages.ts';

const channel = agentMessages.of();
let link: FakeLink;
let client: Client;
/** What the server holds, as the polling endpoint tells it: the place of a message is its index + 1. */
let log: AgentMessage[];
const polled = vi.fn<(address: string) => void>();
let isServerUp = true;

beforeEach(() => {
  link = createFakeLink();
  client = createClient(link.options);
  log = [];
  isServerUp = true;
  polled.mockClear();
});

afterEach(async () => {
  cleanup();
  await client.close();
  vi.useRealTimers();
});

function post(id: string, agentId = 'ada'): void {
  const timestamp = '2026-01-02T03:04:05Z';
  const data: AgentMessage = { id, agentId, type: 'opinion', content: `Text of ${id}.`, timestamp };
  log.push(data);
  link.emit(channel, { type: 'message', data });
}

const get: typeof fetch = (input) => {
  const address = input instanceof Request ? input.url : input.toString();
  polled(address);
  if (!isServerUp) return Promise.reject(new TypeError('fetch failed'));
  const query = new URL(address, 'http://server.invalid').searchParams;
  const after = Number(query.get('after')?.split('.')[1] ?? 0);
  const agentIds = query.get('agentId')?.split(',');
  const page = log.slice(after, after + 2);
  const messages = page.filter((one) => agentIds === undefined || agentIds.includes(one.agentId));
  const next = `fake.${after + page.length}`;
  return Promise.resolve(
    Response.json({ messages, next, hasMore: after + page.length < log.length }),
  );
};

function Provided(props: { readonly children: ReactNode }): ReactElement {
  return <MillraceProvider client={client}>{props.children}</MillraceProvider>;
}

function renderMessages(
  options: UseRealtimeAgentMessagesOptions = {},
  wrapper: ((props: { children: ReactNode }) => ReactElement) | null = Provided,
) {
  const { environment, transports } = link.options;
  const hook = renderHook(
    (given: UseRealtimeAgentMessagesOptions) => {
      const clientOptions = {
        ...(environment && { environment }),
        ...(transports && { transports }),
      };
      const chat = useRealtimeAgentMessages({ fetch: get, clientOptions, ...given });
      return { chat, ids: (chat.messages['ada'] ?? []).map((message) => message.id) };
    },
    { initialProps: options, ...(wrapper && { wrapper }) },
  );
  return hook;
}

/** Within `act`, so that what React has to render is rendered when the time is over. */
async function advance(ms: number): Promise<void> {
  await act(() => vi.advanceTimersByTimeAsync(ms));
}

type Hook = ReturnType<typeof renderMessages>;

async function untilLive({ result }: Hook): Promise<void> {
  await waitFor(() => expect(result.current.chat.status).toBe('live'));
  await waitFor(() => expect(result.current.chat.isLoading).toBe(false));
}

function connects(): { readonly beatMs?: number | undefined }[] {
  return link.sent.filter((frame) => frame.type === 'connect');
}

describe('useRealtimeAgentMessages on a link', () => {
  it('loads what was said before, then what is said, by agent and oldest first', async () => {
    post('m1');
    post('m2', 'bob');
    const hook = renderMessages();
    expect(hook.result.current.chat).toMatchObject({ isLoading: true, messages: {}, error: null });
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1']));
    post('m3');
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1', 'm3']));
    expect(hook.result.current.chat).toMatchObject({
      isRealtime: true,
      isLoading: false,
      error: null,
      status: 'live',
      transport: 'websocket',
    });
    expect(hook.result.current.chat.messages['bob']).toHaveLength(1);
    expect(polled).not.toHaveBeenCalled();
  });

  it('gives asked agents a list and leaves out the others', async () => {
    const hook = renderMessages({ agentIds: ['ada', 'eve'] });
    expect(hook.result.current.chat.messages).toEqual({ ada: [], eve: [] });
    await untilLive(hook);
    post('m1', 'bob');
    post('m2');
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m2']));
    expect(Object.keys(hook.result.current.chat.messages)).toEqual(['ada', 'eve']);
  });

  it('holds the newest of each agent', async () => {
    const hook = renderMessages({ maxMessagesPerAgent: 2 });
    await untilLive(hook);
    for (const id of ['m1', 'm2', 'm3']) post(id);
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m2', 'm3']));
  });

  it('is the same object until something changes, also with a new list of the same agents', async () => {
    const hook = renderMessages({ agentIds: ['ada'] });
    await untilLive(hook);
    const before = hook.result.current.chat;
    hook.rerender({ agentIds: ['ada'] });
    expect(hook.result.current.chat).toBe(before);
  });

  it('says why the channel was refused, and does not poll behind its back', async () => {
    const error = new MillraceError('auth/denied', 'Sign in to read this.');
    link.verdict(channel, { verdict: 'denied', error });
    const { result } = renderMessages();
    await waitFor(() => expect(result.current.chat.error).toBe('Sign in to read this.'));
    expect(result.current.chat).toMatchObject({ isRealtime: false, isLoading: false });
    expect(polled).not.toHaveBeenCalled();
  });
});

describe('useRealtimeAgentMessages without a link', () => {
  it('polls at once from where it was, page after page, and goes back by itself with nothing lost or doubled', async () => {
    const hook = renderMessages({ agentIds: ['ada'] });
    await untilLive(hook);
    post('m1');
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1']));

    link.hold();
    link.cut();
    await waitFor(() => expect(hook.result.current.chat.status).toBe('polling'));
    expect(hook.result.current.chat).toMatchObject({ isRealtime: false, transport: 'interval' });
    expect(polled.mock.calls[0]?.[0]).toBe('/api/chat/messages?agentId=ada&after=fake.1&limit=200');

    for (const id of ['m2', 'm3', 'm4', 'm5']) post(id);
    hook.result.current.chat.reconnect();
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']));
    expect(hook.result.current.chat.status).toBe('polling');

    link.accept();
    await waitFor(() => expect(hook.result.current.chat.isRealtime).toBe(true));
    post('m6');
    await waitFor(() => expect(hook.result.current.ids.at(-1)).toBe('m6'));
    expect(hook.result.current.ids).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6']);
  });

  it('polls at the interval for as long as no link is up', async () => {
    vi.useFakeTimers();
    const hook = renderMessages({ fallbackPollInterval: 5_000 });
    await advance(500);
    link.hold();
    link.cut();
    await advance(100);
    expect(polled).toHaveBeenCalledTimes(1);
    await advance(5_000);
    expect(polled).toHaveBeenCalledTimes(2);
    link.accept();
    await advance(1_000);
    expect(hook.result.current.chat.status).toBe('live');
    await advance(15_000);
    expect(polled).toHaveBeenCalledTimes(2);
    hook.unmount();
  });

  it('is offline with the reason while polls fail too, and keeps what it has', async () => {
    const hook = renderMessages();
    await untilLive(hook);
    post('m1');
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1']));
    isServerUp = false;
    link.hold();
    link.cut();
    await waitFor(() => expect(hook.result.current.chat.status).toBe('offline'));
    expect(hook.result.current.chat.error).toMatch(/cannot be reached/);
    expect(hook.result.current.ids).toEqual(['m1']);

    isServerUp = true;
    hook.result.current.chat.reconnect();
    await waitFor(() => expect(hook.result.current.chat.status).toBe('polling'));
    expect(hook.result.current.chat.error).toBeNull();
  });

  it('only reconnects where polling is off', async () => {
    const hook = renderMessages({ enableFallbackPolling: false });
    await untilLive(hook);
    link.hold();
    link.cut();
    await waitFor(() => expect(hook.result.current.chat.status).toBe('reconnecting'));
    expect(hook.result.current.chat.error).not.toBeNull();
    expect(polled).not.toHaveBeenCalled();
  });

  it('never streams with enableSSE off', async () => {
    post('m1');
    const hook = renderMessages({ enableSSE: false });
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1']));
    expect(hook.result.current.chat).toMatchObject({ isRealtime: false, transport: 'interval' });
    expect(polled.mock.calls[0]?.[0]).toBe('/api/chat/messages?limit=200');
    expect(link.sent).toEqual([]);
  });

  it('is idle and says so with both off', async () => {
    const { result } = renderMessages({ enableSSE: false, enableFallbackPolling: false });
    expect(result.current.chat).toMatchObject({ status: 'idle', isLoading: false });
    expect(result.current.chat.error).toMatch(/switched off/);
    expect(client.status.getSnapshot().status).toBe('idle');
    expect(polled).not.toHaveBeenCalled();
  });

  it('keeps its messages when streaming is switched on and off', async () => {
    post('m1');
    const hook = renderMessages({ enableSSE: false });
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1']));
    hook.rerender({ enableSSE: true });
    expect(hook.result.current.ids).toEqual(['m1']);
    await untilLive(hook);
    post('m2');
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1', 'm2']));
  });

  it('is detached after disconnect, until reconnect', async () => {
    const hook = renderMessages();
    await untilLive(hook);
    hook.result.current.chat.disconnect();
    await waitFor(() => expect(hook.result.current.chat.status).toBe('idle'));
    await waitFor(() =>
      expect(link.sent.filter((frame) => frame.type === 'unsubscribe')).toHaveLength(1),
    );
    post('m1');
    hook.result.current.chat.reconnect();
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1']));
  });
});

describe('useRealtimeAgentMessages with a client of its own', () => {
  it('asks for the beat that makes a failure known within 5 s', async () => {
    const hook = renderMessages({}, null);
    await untilLive(hook);
    expect(connects()).toMatchObject([{ beatMs: 2_000 }]);
    post('m1');
    await waitFor(() => expect(hook.result.current.ids).toEqual(['m1']));
  });

  it('makes one under Strict Mode', async () => {
    const hook = renderMessages({}, ({ children }) => <StrictMode>{children}</StrictMode>);
    await untilLive(hook);
    expect(connects()).toHaveLength(1);
  });

  it('closes it when it unmounts', async () => {
    vi.useFakeTimers();
    const hook = renderMessages({}, null);
    await advance(500);
    expect(hook.result.current.chat.status).toBe('live');
    hook.unmount();
    await advance(60_000);
    expect(connects()).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
