import { createFakeStreams, type FakeStreams } from '@millrace/client/testing';
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StreamingMessage } from './streaming-chat-view.ts';
import { type UseStreamingChatOptions, useStreamingChat } from './use-streaming-chat.ts';

let streams: FakeStreams;

beforeEach(() => {
  streams = createFakeStreams();
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function chunk(delta: object, more: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: null, ...more }];
  return `data: ${JSON.stringify({ id: 'chatcmpl-r1', model: 'built-in', choices })}\n\n`;
}

const begin = chunk({ role: 'assistant', content: '' });
const say = (content: string): string => chunk({ content });
const done = `${chunk({}, { finish_reason: 'stop' })}data: [DONE]\n\n`;
const run = { 'x-generation-id': 'r1' };

function renderChat(options: UseStreamingChatOptions = {}) {
  let renders = 0;
  const hook = renderHook(
    (given: UseStreamingChatOptions) => {
      renders += 1;
      return useStreamingChat({ fetch: streams.fetch, ...given });
    },
    { initialProps: options, wrapper: StrictMode },
  );
  const all = (): StreamingMessage[] => [...hook.result.current.messages.values()];
  const texts = (): string[] => all().map(({ role, content }) => `${role}: ${content}`);
  return { ...hook, all, texts, renders: () => renders };
}

const question = [{ role: 'user', content: 'Why?' }];

/** Sends, and lets the server answer at once. */
async function ask(chat: ReturnType<typeof renderChat>): Promise<string> {
  const before = streams.requests.length;
  const sent = chat.result.current.sendMessage(question, 'gpt-3.5-turbo');
  await waitFor(() => expect(streams.requests).toHaveLength(before + 1));
  streams.last().open(begin, run);
  return act(() => sent);
}

/** The first retry comes within a second. */
function untilAskedAgain(): Promise<void> {
  return waitFor(() => expect(streams.requests).toHaveLength(2), { timeout: 5_000 });
}

describe('useStreamingChat', () => {
  it('resolves with the entry in place, and shows the answer as it comes', async () => {
    const chat = renderChat({ apiKey: 'mr_1' });
    expect(chat.result.current).toMatchObject({ connectionState: 'disconnected', error: null });
    const id = await ask(chat);
    expect(chat.result.current.messages.get(id)).toMatchObject({
      role: 'assistant',
      content: '',
      isStreaming: true,
      runId: 'r1',
    });
    expect(chat.result.current).toMatchObject({ connectionState: 'connected', isConnected: true });
    const { url, method, headers, body } = streams.last();
    expect([url, method]).toEqual(['http://localhost:3000/api/v1/inference/stream', 'POST']);
    expect(headers.get('authorization')).toBe('Bearer mr_1');
    expect(JSON.parse(body ?? '')).toEqual({
      model: 'gpt-3.5-turbo',
      messages: question,
      stream: true,
    });
    streams.last().say(say('Be') + say('cause'));
    await waitFor(() => expect(chat.texts()).toEqual(['user: Why?', 'assistant: Because']));
    streams.last().say(say('.') + done);
    await waitFor(() => expect(chat.all()[1]?.isStreaming).toBe(false));
    expect(chat.all()[1]).toMatchObject({
      content: 'Because.',
      status: 'completed',
      model: 'built-in',
    });
    expect(chat.result.current).toMatchObject({ connectionState: 'disconnected', error: null });
    expect(streams.requests).toHaveLength(1);
  });

  it('streams many answers at a time, and shows of what is sent only what is new', async () => {
    const chat = renderChat();
    await ask(chat);
    const first = streams.last();
    first.say(say('One'));
    await waitFor(() => expect(chat.texts()).toHaveLength(2));
    const history = [...question, { role: 'assistant', content: 'One' }];
    const parts = [
      { type: 'text', text: 'And ' },
      { type: 'text', text: 'then?' },
    ];
    const sent = chat.result.current.sendMessage([...history, { role: 'user', content: parts }]);
    await waitFor(() => expect(streams.requests).toHaveLength(2));
    streams.last().open(begin + say('Two'));
    await act(() => sent);
    first.say(say('!') + done);
    await waitFor(() =>
      expect(chat.texts()).toEqual([
        'user: Why?',
        'assistant: One!',
        'user: And then?',
        'assistant: Two',
      ]),
    );
    expect(chat.all().map((one) => one.isStreaming)).toEqual([false, false, false, true]);
  });

  it('joins a cut answer under the same key; its text is told again and not doubled, and never shrinks', async () => {
    const chat = renderChat();
    const id = await ask(chat);
    streams.last().say(say('Hello wor'));
    await waitFor(() => expect(chat.texts()[1]).toBe('assistant: Hello wor'));
    const lengths: number[] = [];
    streams.last().cut();
    await untilAskedAgain();
    const [first, second] = streams.requests;
    expect(second?.headers.get('idempotency-key')).toBe(first?.headers.get('idempotency-key'));
    for (const text of [begin, say('Hel'), say('lo world'), done]) {
      await act(async () => {
        if (text === begin) streams.last().open(text, run);
        else streams.last().say(text);
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
      });
      lengths.push(chat.result.current.messages.get(id)?.content.length ?? 0);
    }
    expect(lengths).toEqual([9, 9, 11, 11]);
    expect(chat.result.current.messages.get(id)).toMatchObject({
      content: 'Hello world',
      status: 'completed',
    });
  });

  it('shows another text than before when that is what the answer became', async () => {
    const chat = renderChat();
    await ask(chat);
    streams.last().say(say('A first try'));
    await waitFor(() => expect(chat.texts()[1]).toBe('assistant: A first try'));
    streams.last().cut();
    await untilAskedAgain();
    streams.last().open(begin + say('Short') + done);
    await waitFor(() => expect(chat.texts()[1]).toBe('assistant: Short'));
  });

  it('cancelStream closes the stream, stops the run and keeps the text', async () => {
    const chat = renderChat({ apiUrl: 'https://desk.test/api/v1/chat/completions', apiKey: 'k' });
    const id = await ask(chat);
    streams.last().say(say('So fa'));
    await waitFor(() => expect(chat.texts()[1]).toBe('assistant: So fa'));
    chat.result.current.cancelStream(id);
    chat.result.current.cancelStream(id);
    await waitFor(() =>
      expect(chat.all()[1]).toMatchObject({ status: 'stopped', content: 'So fa' }),
    );
    expect(streams.requests[0]?.isAborted).toBe(true);
    const stop = streams.last();
    expect([stop.url, stop.method]).toEqual(['https://desk.test/api/v1/runs/r1/stop', 'POST']);
    expect(stop.headers.get('authorization')).toBe('Bearer k');
    stop.answer(Response.json({ stopped: true }));
    expect(streams.requests).toHaveLength(2);
  });

  it('stops an answer that is cancelled before it began, as soon as the server has it', async () => {
    const chat = renderChat();
    const sent = chat.result.current.sendMessage(question);
    await waitFor(() => expect(chat.all()).toHaveLength(2));
    await waitFor(() => expect(streams.requests).toHaveLength(1));
    chat.result.current.cancelStream(chat.all()[1]?.id ?? '');
    expect(streams.last().isAborted).toBe(false);
    streams.last().open(begin + say('never seen'), run);
    await act(() => sent);
    expect(streams.requests[0]?.isAborted).toBe(true);
    expect(streams.last().url).toBe('/api/v1/runs/r1/stop');
    expect(chat.all()[1]).toMatchObject({ status: 'stopped', content: '', isStreaming: false });
  });

  it('rejects and tells when it is refused, with the server’s words', async () => {
    const onError = vi.fn<(error: Error) => void>();
    const chat = renderChat({ onError });
    const sent = chat.result.current.sendMessage(question);
    await waitFor(() => expect(streams.requests).toHaveLength(1));
    const error = { message: 'No such key.', type: 'x', param: null, code: 'invalid_api_key' };
    streams.last().answer(Response.json({ error }, { status: 401 }));
    await expect(sent).rejects.toThrow('No such key.');
    await waitFor(() => expect(chat.result.current.error).toBe('No such key.'));
    expect(chat.all()[1]).toMatchObject({ status: 'failed', error: 'No such key.' });
    expect(chat.result.current.connectionState).toBe('error');
    expect(onError).toHaveBeenCalledTimes(1);
  });

  it('rejects where there is no answer at all', async () => {
    const chat = renderChat();
    const sent = chat.result.current.sendMessage(question);
    await waitFor(() => expect(streams.requests).toHaveLength(1));
    streams.last().answer(new Response(null, { status: 204 }));
    await expect(sent).rejects.toThrow('without a word');
    await waitFor(() => expect(chat.all()[1]?.status).toBe('failed'));
  });

  it('an error in the stream fails its answer alone, and is no reason to come again', async () => {
    const chat = renderChat();
    await ask(chat);
    const frame = { error: { message: 'The model is gone.', type: 'server_error' } };
    streams.last().say(`${say('Half')}data: ${JSON.stringify(frame)}\n\ndata: [DONE]\n\n`);
    await waitFor(() => expect(chat.all()[1]?.status).toBe('failed'));
    expect(chat.all()[1]).toMatchObject({ content: 'Half', error: 'The model is gone.' });
    expect(streams.requests).toHaveLength(1);
  });

  it('ends an answer whose server closes without a last word', async () => {
    const chat = renderChat();
    await ask(chat);
    streams.last().say(say('All of it'));
    await waitFor(() => expect(chat.texts()[1]).toBe('assistant: All of it'));
    streams.last().end();
    await waitFor(() => expect(chat.all()[1]?.status).toBe('completed'));
  });

  it('unmounting closes streams and stops nothing; a question on its way still arrives', async () => {
    const chat = renderChat();
    await ask(chat);
    const sent = chat.result.current.sendMessage(question);
    await waitFor(() => expect(streams.requests).toHaveLength(2));
    chat.unmount();
    await waitFor(() => expect(streams.requests[0]?.isAborted).toBe(true));
    expect(streams.requests[1]?.isAborted).toBe(false);
    streams.last().open(begin, run);
    await sent;
    expect(streams.requests[1]?.isAborted).toBe(true);
    expect(streams.requests).toHaveLength(2);
  });

  it('renders at most once a frame however many tokens come, and only what changed is a new object', async () => {
    const chat = renderChat();
    await ask(chat);
    const before = chat.renders();
    const [asked] = chat.all();
    const frames = 20;
    await act(async () => {
      for (let frame = 0; frame < frames; frame += 1) {
        for (let token = 0; token < 50; token += 1) streams.last().say(say('0123456789'));
        await new Promise(requestAnimationFrame);
      }
    });
    await waitFor(() => expect(chat.all()[1]?.content).toHaveLength(frames * 500));
    // Strict Mode renders twice.
    expect(chat.renders() - before).toBeLessThanOrEqual(2 * (frames + 3));
    expect(chat.all()[0]).toBe(asked);
    const settled = chat.result.current;
    chat.rerender({});
    expect(chat.result.current).toBe(settled);
  });
});
