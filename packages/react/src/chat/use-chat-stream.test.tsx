import { createFakeStreams, type FakeStreams } from '@millrace/client/testing';
import { cleanup, renderHook, waitFor } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type UseChatStreamOptions, useChatStream } from './use-chat-stream.ts';

let streams: FakeStreams;
let place = 0;

beforeEach(() => {
  streams = createFakeStreams();
  place = 0;
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function block(data: object): string {
  place += 1;
  return `id: ai-1~e.${place}\ndata: ${JSON.stringify(data)}\n\n`;
}

const accepted = () => block({ type: 'accepted', runId: 'ai-1', messageId: 'm1' });
const token = (content: string) => block({ type: 'token', content });
const tool = (name: string, status: string) =>
  block({ type: 'tool', tool: name, callId: 'c', status });

function renderStream(options: Partial<UseChatStreamOptions> = {}) {
  return renderHook(
    (given: Partial<UseChatStreamOptions>) =>
      useChatStream({ modelId: 'm 1', runId: 'latest', fetch: streams.fetch, ...given }),
    { initialProps: options, wrapper: StrictMode },
  );
}

type Hook = ReturnType<typeof renderStream>;

async function start(hook: Hook, message = 'Why?'): Promise<void> {
  const before = streams.requests.length;
  hook.result.current.startStream(message);
  await waitFor(() => expect(streams.requests).toHaveLength(before + 1));
}

const content = ({ result }: Hook): string => result.current.streamedContent;

/** The first retry comes within a second. */
function untilAskedAgain(): Promise<void> {
  return waitFor(() => expect(streams.requests).toHaveLength(2), { timeout: 5_000 });
}

describe('useChatStream', () => {
  it('asks, shows text and tools as they come, and gives the full text once', async () => {
    const onComplete = vi.fn<(content: string) => void>();
    const hook = renderStream({ onComplete });
    await start(hook);
    const { url, method, body, headers } = streams.last();
    expect([method, url]).toEqual([
      'POST',
      'http://localhost:3000/api/models/m%201/runs/latest/chat-stream',
    ]);
    expect(body).toBe('{"message":"Why?"}');
    expect(headers.get('idempotency-key')).toMatch(/^[\da-f]{32}$/);
    streams.last().open(accepted() + token('It '));
    streams.last().say(tool('analyze_trades', 'called') + tool('analyze_trades', 'done'));
    streams.last().say(tool('suggest_rules', 'called') + token('rose'));
    await waitFor(() => expect(content(hook)).toBe('It rose'));
    expect(hook.result.current).toMatchObject({
      isStreaming: true,
      toolsUsed: ['analyze_trades', 'suggest_rules'],
      runId: 'ai-1',
      connectionState: 'connected',
      error: null,
    });
    streams.last().say(token('.') + block({ type: 'done', messageId: 'm1' }));
    await waitFor(() => expect(hook.result.current.isStreaming).toBe(false));
    expect(onComplete.mock.calls).toEqual([['It rose.']]);
    expect(content(hook)).toBe('It rose.');
    expect(streams.requests).toHaveLength(1);
  });

  it('goes on behind the last block after a cut, and nothing is lost or doubled', async () => {
    const hook = renderStream();
    await start(hook);
    streams.last().open(accepted() + token('Hel'));
    await waitFor(() => expect(content(hook)).toBe('Hel'));
    streams.last().cut();
    await untilAskedAgain();
    expect(streams.last().headers.get('last-event-id')).toBe('ai-1~e.2');
    expect(streams.last().headers.get('idempotency-key')).toBe(
      streams.requests[0]?.headers.get('idempotency-key'),
    );
    expect(content(hook)).toBe('Hel');
    streams.last().open(token('lo') + block({ type: 'done', messageId: 'm1' }));
    await waitFor(() => expect(content(hook)).toBe('Hello'));
  });

  it('takes an answer that is told from its beginning in place of what it had', async () => {
    const onComplete = vi.fn<(content: string) => void>();
    const hook = renderStream({ onComplete });
    await start(hook);
    streams.last().open(accepted() + tool('a', 'called') + token('A first try'));
    await waitFor(() => expect(content(hook)).toBe('A first try'));
    streams.last().cut();
    await untilAskedAgain();
    streams.last().open(accepted() + token('Better') + block({ type: 'done', messageId: 'm1' }));
    await waitFor(() => expect(content(hook)).toBe('Better'));
    expect(hook.result.current.toolsUsed).toEqual([]);
    expect(onComplete.mock.calls).toEqual([['Better']]);
  });

  it('takes back what a step said that begins anew', async () => {
    const hook = renderStream();
    await start(hook);
    streams.last().open(accepted() + token('Kept. ') + tool('a', 'done') + token('It made 99'));
    await waitFor(() => expect(content(hook)).toBe('Kept. It made 99'));
    streams.last().say(block({ type: 'reset', content: 'Kept. ' }) + tool('a', 'done'));
    streams.last().say(token('It made 100'));
    await waitFor(() => expect(content(hook)).toBe('Kept. It made 100'));
    expect(hook.result.current.toolsUsed).toEqual(['a']);
  });

  it('stopStream stops the run, keeps the text and completes nothing', async () => {
    const onComplete = vi.fn<(content: string) => void>();
    const hook = renderStream({ onComplete });
    await start(hook);
    streams.last().open(accepted() + token('So fa'));
    await waitFor(() => expect(content(hook)).toBe('So fa'));
    hook.result.current.stopStream();
    hook.result.current.stopStream();
    await waitFor(() => expect(hook.result.current.isStreaming).toBe(false));
    expect(streams.requests[0]?.isAborted).toBe(true);
    const { url, body } = streams.last();
    expect(url).toBe('/api/models/m%201/runs/latest/chat-stop');
    expect(body).toBe('{"runId":"ai-1"}');
    expect(content(hook)).toBe('So fa');
    expect(onComplete).not.toHaveBeenCalled();
    expect(streams.requests).toHaveLength(2);
  });

  it('stops an answer of which nothing has come yet as soon as its run is known', async () => {
    const hook = renderStream();
    await start(hook);
    hook.result.current.stopStream();
    await waitFor(() => expect(hook.result.current.isStreaming).toBe(false));
    expect(streams.last().isAborted).toBe(false);
    streams.last().open(accepted() + token('never seen'));
    await waitFor(() => expect(streams.last().body).toBe('{"runId":"ai-1"}'));
    expect(content(hook)).toBe('');
  });

  it('stops that answer also where something else was asked meanwhile', async () => {
    const hook = renderStream();
    await start(hook);
    hook.result.current.stopStream();
    await start(hook, 'And then?');
    const [first, second] = streams.requests;
    expect(first?.isAborted).toBe(false);
    first?.open(accepted() + token('never seen'));
    await waitFor(() => expect(streams.last().body).toBe('{"runId":"ai-1"}'));
    expect(first?.isAborted).toBe(true);
    second?.open(block({ type: 'accepted', runId: 'ai-2', messageId: 'm2' }) + token('Then'));
    await waitFor(() => expect(content(hook)).toBe('Then'));
    expect(hook.result.current).toMatchObject({ isStreaming: true, runId: 'ai-2', error: null });
  });

  it('says so where a stop never reached anybody', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const onError = vi.fn<(error: Error) => void>();
    const away = () => Promise.reject(new TypeError('fetch failed'));
    const hook = renderStream({ onError, fetch: away });
    hook.result.current.startStream('Why?');
    hook.result.current.stopStream();
    await waitFor(() =>
      expect(hook.result.current.error).toMatch(/^The answer could not be stopped/),
    );
    expect(hook.result.current.isStreaming).toBe(false);
    expect(onError).toHaveBeenCalledTimes(1);
  });

  it('is stopped by another page too, and fails with the server’s words', async () => {
    const onError = vi.fn<(error: Error) => void>();
    const hook = renderStream({ onError });
    await start(hook);
    streams.last().open(accepted() + token('Half') + block({ type: 'stopped', by: 'ada' }));
    await waitFor(() => expect(hook.result.current.isStreaming).toBe(false));
    expect(hook.result.current).toMatchObject({ streamedContent: 'Half', error: null });

    await start(hook);
    await waitFor(() => expect(content(hook)).toBe(''));
    streams.last().open(accepted() + block({ type: 'error', message: 'No model.', code: 'x/y' }));
    await waitFor(() => expect(hook.result.current.error).toBe('No model.'));
    expect(content(hook)).toBe('');
    expect(onError).toHaveBeenCalledTimes(1);

    await start(hook);
    streams
      .last()
      .answer(
        Response.json(
          { error: { code: 'request/not-found', message: 'No such run.', retryable: false } },
          { status: 404 },
        ),
      );
    await waitFor(() => expect(hook.result.current.error).toBe('No such run.'));
  });

  it('refuses a second question while it answers, and goes on with the first', async () => {
    const hook = renderStream();
    await start(hook);
    streams.last().open(accepted() + token('One'));
    await waitFor(() => expect(content(hook)).toBe('One'));
    hook.result.current.startStream('Two?');
    await waitFor(() => expect(hook.result.current.error).toMatch(/Stop it first/));
    expect(hook.result.current.isStreaming).toBe(true);
    streams.last().say(token('!') + block({ type: 'done', messageId: 'm1' }));
    await waitFor(() => expect(content(hook)).toBe('One!'));
    expect(streams.requests).toHaveLength(1);
  });

  it('unmounting closes the stream, stops nothing and completes nothing', async () => {
    const onComplete = vi.fn<(content: string) => void>();
    const hook = renderStream({ onComplete });
    await start(hook);
    streams.last().open(accepted() + token('On'));
    await waitFor(() => expect(content(hook)).toBe('On'));
    hook.unmount();
    await waitFor(() => expect(streams.last().isAborted).toBe(true));
    expect(streams.requests).toHaveLength(1);
    expect(onComplete).not.toHaveBeenCalled();
  });
});
