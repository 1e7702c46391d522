import { cleanup, renderHook, waitFor } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useAgentChatStream } from './use-agent-chat-stream.ts';

/** happy-dom has no EventSource: this one does what the test tells it to. */
class FakeEventSource extends EventTarget {
  static readonly CLOSED = 2;
  static opened: FakeEventSource[] = [];
  readyState = 0;
  readonly url: string;

  constructor(url: string) {
    super();
    this.url = url;
    FakeEventSource.opened.push(this);
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED;
  }

  become(readyState: number, event: 'open' | 'error'): void {
    this.readyState = readyState;
    this.dispatchEvent(new Event(event));
  }

  say(data: string): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

beforeEach(() => {
  FakeEventSource.opened = [];
  vi.stubGlobal('EventSource', FakeEventSource);
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function message(id: string, agentId = 'ada'): string {
  const timestamp = '2026-01-02T03:04:05Z';
  return JSON.stringify({ id, agentId, type: 'trade', content: `Trade ${id}.`, timestamp });
}

function source(): FakeEventSource {
  const [first, ...others] = FakeEventSource.opened.filter((one) => one.readyState !== 2);
  if (first === undefined || others.length > 0) throw new Error('Not exactly one open stream.');
  return first;
}

describe('useAgentChatStream', () => {
  it('opens one stream for the agents and gives their messages', async () => {
    const { result } = renderHook(() => useAgentChatStream({ agentIds: ['ada', 'b b'] }), {
      wrapper: StrictMode,
    });
    expect(FakeEventSource.opened.map((one) => one.url)).toEqual([
      '/api/chat/stream?agentId=ada%2Cb+b',
    ]);
    expect(result.current).toMatchObject({ isConnected: false, error: null });
    source().become(1, 'open');
    source().say(message('m1'));
    source().say(message('m2'));
    source().say(message('m2'));
    await waitFor(() => expect(result.current.messages['ada']).toHaveLength(2));
    expect(result.current).toMatchObject({ isConnected: true, error: null });
    expect(result.current.messages['b b']).toEqual([]);
  });

  it('says that it is interrupted while the browser retries, and that it was refused when it gave up', async () => {
    const { result } = renderHook(() => useAgentChatStream());
    expect(source().url).toBe('/api/chat/stream');
    source().become(1, 'open');
    await waitFor(() => expect(result.current.isConnected).toBe(true));
    source().become(0, 'error');
    await waitFor(() => expect(result.current.error).toMatch(/opening it again/));
    source().become(2, 'error');
    await waitFor(() => expect(result.current.error).toMatch(/refused/));
    expect(result.current.isConnected).toBe(false);
  });

  it('says so when a message cannot be read, and goes on', async () => {
    const { result } = renderHook(() => useAgentChatStream());
    source().become(1, 'open');
    source().say('not JSON');
    await waitFor(() => expect(result.current.error).toMatch(/no JSON/));
    source().say('{"id":"m1"}');
    await waitFor(() => expect(result.current.error).toMatch(/cannot be read/));
    source().say(message('m1'));
    await waitFor(() => expect(result.current.messages['ada']).toHaveLength(1));
  });

  it('closes with disconnect and with unmounting', async () => {
    const { result, unmount } = renderHook(() => useAgentChatStream());
    const first = source();
    first.become(1, 'open');
    result.current.disconnect();
    expect(first.readyState).toBe(2);
    await waitFor(() => expect(result.current.isConnected).toBe(false));
    unmount();

    const again = renderHook(() => useAgentChatStream());
    const second = source();
    again.unmount();
    await waitFor(() => expect(second.readyState).toBe(2));
  });
});
