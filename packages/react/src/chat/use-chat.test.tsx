import { type Client, createClient } from '@millrace/client';
import { createFakeLink, type FakeLink } from '@millrace/client/testing';
import { MillraceError } from '@millrace/protocol';
import { conversations } from '@millrace/protocol/runs';
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { type ReactElement, type ReactNode, StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MillraceProvider } from '../provider.ts';
import { type ChatBed, createChatBed } from './chat-bed.ts';
import type { ChatMessage } from './chat-message.ts';
import { type UseChatOptions, useChat } from './use-chat.ts';

let link: FakeLink;
let client: Client;
let bed: ChatBed;

beforeEach(() => {
  link = createFakeLink();
  client = createClient(link.options);
  bed = createChatBed(link);
});

afterEach(async () => {
  cleanup();
  await client.close();
});

function Provided(props: { readonly children: ReactNode }): ReactElement {
  return (
    <StrictMode>
      <MillraceProvider client={client}>{props.children}</MillraceProvider>
    </StrictMode>
  );
}

function renderChat(options: Partial<UseChatOptions> = {}) {
  /** Every list that was ever rendered. */
  const lists: (readonly ChatMessage[])[] = [];
  let renders = 0;
  const hook = renderHook(
    (given: Partial<UseChatOptions>) => {
      const chat = useChat({ conversationId: 'c1', fetch: bed.fetch, ...given });
      renders += 1;
      if (lists.at(-1) !== chat.messages) lists.push(chat.messages);
      return chat;
    },
    { initialProps: options, wrapper: Provided },
  );
  const chat = () => hook.result.current;
  const told = (): string[] =>
    chat().messages.map(({ role, text, status }) => `${role} ${status}: ${text}`);
  return { ...hook, chat, told, lists, renders: () => renders };
}

type Hook = ReturnType<typeof renderChat>;

async function untilReady({ chat }: Hook): Promise<void> {
  await waitFor(() => expect(chat().status).toBe('ready'));
}

async function untilTold(hook: Hook, lines: readonly string[]): Promise<void> {
  await waitFor(() => expect(hook.told()).toEqual(lines));
}

describe('useChat', () => {
  it('loads what is stored, and shows a question at once, its answer as it is written, then the stored one', async () => {
    bed.accept('Before?');
    bed.write('run-1', 'Yes.');
    bed.end('run-1');
    const hook = renderChat();
    expect(hook.chat()).toMatchObject({ status: 'loading', messages: [], error: null });
    await untilTold(hook, ['user completed: Before?', 'assistant completed: Yes.']);
    await untilReady(hook);

    hook.chat().send('Why?');
    await waitFor(() => expect(hook.told()[2]).toMatch(/^user (sending|completed): Why\?$/));
    expect(hook.chat().status).toBe('submitted');
    await waitFor(() => expect(bed.stored).toHaveLength(3));
    bed.begin('run-2');
    bed.write('run-2', 'Be');
    bed.write('run-2', 'cause');
    await waitFor(() => expect(hook.told()[3]).toBe('assistant running: Because'));
    expect(hook.chat().status).toBe('streaming');
    bed.write('run-2', '.');
    bed.end('run-2');
    await untilTold(hook, [
      'user completed: Before?',
      'assistant completed: Yes.',
      'user completed: Why?',
      'assistant completed: Because.',
    ]);
    await untilReady(hook);
    const posted = bed.asked.filter((one) => one.startsWith('POST'));
    expect(posted).toHaveLength(1);
    // The stored one took its place without a frame in which either was missing or both were there.
    const begun = hook.lists.findIndex((list) => list.length === 4);
    expect(hook.lists.slice(begun).map((list) => list.length)).toEqual(
      hook.lists.slice(begun).map(() => 4),
    );
    expect(new Set(hook.lists.slice(begun).map((list) => list.map(({ id }) => id).join()))).toEqual(
      new Set([
        hook
          .chat()
          .messages.map(({ id }) => id)
          .join(),
      ]),
    );
    await waitFor(() => expect(hook.chat().messages[3]?.createdAt).toBe(bed.stored[3]?.createdAt));
  });

  it('joins an answer that is being written when the page opens, also in a second tab', async () => {
    const runId = bed.accept('Why?');
    bed.begin(runId);
    bed.write(runId, 'Half');
    const one = renderChat();
    const other = renderChat();
    const lines = ['user completed: Why?', 'assistant running: Half'];
    await untilTold(one, lines);
    await untilTold(other, lines);
    expect(one.chat().status).toBe('streaming');
    bed.write(runId, ' done');
    bed.end(runId);
    for (const hook of [one, other]) {
      await untilTold(hook, ['user completed: Why?', 'assistant completed: Half done']);
      await untilReady(hook);
    }
  });

  it('shows what another device asks', async () => {
    const hook = renderChat();
    await untilReady(hook);
    const runId = bed.accept('From the phone?');
    await waitFor(() => expect(hook.told()[0]).toBe('user completed: From the phone?'));
    bed.begin(runId);
    bed.write(runId, 'Yes');
    await untilTold(hook, ['user completed: From the phone?', 'assistant running: Yes']);
  });

  it('shows what waits for its turn, behind the answer that is being written', async () => {
    const hook = renderChat();
    const first = bed.accept('One?');
    bed.begin(first);
    bed.write(first, '1');
    await untilTold(hook, ['user completed: One?', 'assistant running: 1']);
    hook.chat().send('Two?');
    await waitFor(() => expect(hook.chat().queue).toEqual([{ runId: 'run-2', text: 'Two?' }]));
    expect(hook.told()).toEqual([
      'user completed: One?',
      'assistant running: 1',
      'user completed: Two?',
    ]);
    hook.chat().send('Three?');
    await waitFor(() => expect(hook.chat().queue).toHaveLength(2));
    hook.chat().withdraw('run-3');
    await waitFor(() => expect(bed.asked.at(-1)).toBe('POST stop {"runId":"run-3"}'));
    bed.end('run-3', 'stopped');
    bed.end(first);
    bed.begin('run-2');
    bed.write('run-2', '2');
    await untilTold(hook, [
      'user completed: One?',
      'assistant completed: 1',
      'user completed: Two?',
      'assistant running: 2',
      'user completed: Three?',
      'assistant stopped: ',
    ]);
    expect(hook.chat().queue).toEqual([]);
  });

  it('stops the answer at work; what has come of it stays, and is asked again in its place', async () => {
    const hook = renderChat();
    const runId = bed.accept('Why?');
    bed.begin(runId);
    bed.write(runId, 'So fa');
    await waitFor(() => expect(hook.chat().status).toBe('streaming'));
    hook.chat().stop();
    hook.chat().stop();
    await waitFor(() => expect(hook.chat().status).toBe('stopping'));
    expect(bed.asked.filter((one) => one.startsWith('POST'))).toEqual([
      'POST stop {"runId":"run-1"}',
    ]);
    bed.end(runId, 'stopped');
    await untilTold(hook, ['user completed: Why?', 'assistant stopped: So fa']);
    await untilReady(hook);

    hook.chat().retry();
    await waitFor(() => expect(hook.told()[1]).toBe('assistant queued: '));
    bed.begin('run-2');
    bed.write('run-2', 'Because');
    bed.end('run-2');
    await untilTold(hook, ['user completed: Why?', 'assistant completed: Because']);
    await untilReady(hook);
  });

  it('stops a question of which no run is known yet as soon as one is', async () => {
    const hook = renderChat();
    await untilReady(hook);
    bed.isHolding = true;
    hook.chat().send('Why?');
    await waitFor(() => expect(hook.chat().status).toBe('submitted'));
    hook.chat().stop();
    await waitFor(() => expect(hook.chat().status).toBe('stopping'));
    bed.release();
    await waitFor(() => expect(bed.asked.at(-1)).toBe('POST stop {"runId":"run-1"}'));
  });

  it('shows why an answer failed, and asks again', async () => {
    const hook = renderChat();
    const runId = bed.accept('Why?');
    bed.begin(runId);
    bed.end(runId, 'failed');
    await untilTold(hook, ['user completed: Why?', 'assistant failed: ']);
    expect(hook.chat().messages[1]?.error).toBe('The model is gone.');
    bed.isHolding = true;
    hook.chat().retry();
    hook.chat().retry();
    await waitFor(() => expect(bed.asked.at(-1)).toMatch(/^POST retry {"runId":"run-1","key":/));
    bed.release();
    await waitFor(() => expect(hook.chat().status).toBe('submitted'));
    expect(bed.asked.filter((one) => one.startsWith('POST retry'))).toHaveLength(1);
    expect(hook.chat().error).toBeNull();
  });

  it('keeps a question that could not be sent, says why, and sends it again under the same key', async () => {
    const onError = vi.fn<(error: Error) => void>();
    const hook = renderChat({ onError });
    await untilReady(hook);
    bed.isUp = false;
    hook.chat().send('Why?');
    await waitFor(() => expect(hook.told()).toEqual(['user failed: Why?']), { timeout: 8_000 });
    expect(hook.chat().error).toMatch(/cannot be reached/);
    expect(onError).toHaveBeenCalledTimes(1);
    bed.isUp = true;
    hook.chat().retry();
    await waitFor(() => expect(hook.told()[0]).toBe('user completed: Why?'));
    expect(hook.chat().error).toBeNull();
    const keys = bed.asked
      .filter((one) => one.startsWith('POST runs'))
      .map((one) => /"key":"(\w+)"/.exec(one)?.[1]);
    expect(new Set(keys).size).toBe(1);
    expect(bed.stored).toHaveLength(1);
  });

  it('says why it may not be read', async () => {
    const error = new MillraceError('auth/denied', 'Not your conversation.');
    link.verdict(conversations.of({ conversationId: 'c1' }), { verdict: 'denied', error });
    const hook = renderChat();
    await waitFor(() => expect(hook.chat().error).toBe('Not your conversation.'));
  });

  it('catches up after a cut, and what ended meanwhile is the stored one', async () => {
    const hook = renderChat();
    const runId = bed.accept('Why?');
    bed.begin(runId);
    bed.write(runId, 'Be');
    await waitFor(() => expect(hook.told()[1]).toBe('assistant running: Be'));
    link.hold();
    link.cut();
    bed.write(runId, 'cause');
    bed.end(runId);
    expect(hook.told()[1]).toBe('assistant running: Be');
    link.accept();
    await untilTold(hook, ['user completed: Why?', 'assistant completed: Because']);
  });

  it('is idle without a conversation, and unmounting asks and stops nothing', async () => {
    const hook = renderChat({ conversationId: null });
    expect(hook.chat()).toMatchObject({ status: 'ready', messages: [] });
    hook.chat().send('Why?');
    expect(bed.asked).toEqual([]);
    hook.rerender({});
    await untilReady(hook);
    const runId = bed.accept('Why?');
    bed.begin(runId);
    await waitFor(() => expect(hook.told()).toHaveLength(2));
    hook.unmount();
    await waitFor(() => {
      const ended = link.sent.flatMap((one) => (one.type === 'unsubscribe' ? one.channels : []));
      expect([...ended].sort()).toEqual(['ai_run:run-1', 'conversation:c1']);
    });
    expect(bed.asked.some((one) => one.includes('stop'))).toBe(false);
  });

  it('renders at most once a frame, and of 100,000 characters only the message that is written is a new object', async () => {
    bed.accept('Before?');
    bed.end('run-1');
    const hook = renderChat();
    await waitFor(() => expect(hook.told()).toHaveLength(2));
    const runId = bed.accept('Long?');
    bed.begin(runId);
    await waitFor(() => expect(hook.told()).toHaveLength(4));
    const stable = hook.chat().messages.slice(0, 3);
    const before = hook.renders();
    const text = 'ten chars '.repeat(10);
    const frames = 50;
    await act(async () => {
      for (let frame = 0; frame < frames; frame += 1) {
        for (let window = 0; window < 20; window += 1) bed.write(runId, text);
        await new Promise(requestAnimationFrame);
      }
    });
    await waitFor(() => expect(hook.chat().messages[3]?.text).toHaveLength(100_000));
    // Strict Mode renders twice.
    expect(hook.renders() - before).toBeLessThanOrEqual(2 * (frames + 3));
    stable.forEach((message, at) => expect(hook.chat().messages[at]).toBe(message));
    const settled = hook.chat();
    hook.rerender({});
    expect(hook.chat()).toBe(settled);
  });
});
