import { MillraceError } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { describe, expect, it } from 'vitest';
import { fetchMessages, messagesAddress, parsePage } from './agent-messages-page.ts';

const MESSAGE = {
  id: 'm1',
  agentId: 'ada',
  type: 'trade',
  content: 'Bought 10 ACME.',
  timestamp: '2026-01-02T03:04:05Z',
};

function answering(status: number, body: string): typeof fetch {
  return () => Promise.resolve(new Response(body, { status }));
}

async function failureOf(get: typeof fetch): Promise<MillraceError> {
  const thrown: unknown = await fetchMessages(get, '/m', new AbortController().signal).catch(
    (error: unknown) => error,
  );
  if (thrown instanceof MillraceError) return thrown;
  throw new Error('It did not fail with a MillraceError.');
}

describe('polling endpoint', () => {
  it('is asked for the agents, after the cursor, for full pages', () => {
    const after = { epoch: 'e1', offset: toOffset(7) };
    expect(messagesAddress('/api/chat/messages', ['a b', 'c'], after)).toBe(
      '/api/chat/messages?agentId=a+b%2Cc&after=e1.7&limit=200',
    );
    expect(messagesAddress('/m?x=1', null, null)).toBe('/m?x=1&limit=200');
  });

  it('answers messages, the next cursor and whether there is more', () => {
    const page = parsePage({ messages: [MESSAGE], next: 'e1.7', hasMore: true });
    expect(page).toEqual({
      messages: [MESSAGE],
      next: { epoch: 'e1', offset: 7 },
      hasMore: true,
    });
  });

  it('has more after a full page where the server does not say', () => {
    const full = Array.from({ length: 200 }, (_, at) => ({ ...MESSAGE, id: `m${at}` }));
    expect(parsePage({ messages: full, next: 'e1.200' }).hasMore).toBe(true);
    expect(parsePage({ messages: full.slice(1), next: 'e1.200' }).hasMore).toBe(false);
  });

  it('has no next in an empty history', () => {
    expect(parsePage({ messages: [], next: null }).next).toBeNull();
    expect(parsePage({ messages: [], next: '' }).next).toBeNull();
  });

  it('refuses an answer that is something else, and says what', () => {
    expect(() => parsePage('login')).toThrow(/messages.*no list/);
    const wrong = { messages: [{ ...MESSAGE, type: 'joke' }], next: 'e1.1' };
    expect(() => parsePage(wrong)).toThrow(/type: must be one of/);
    expect(() => parsePage({ messages: [], next: 'seven' })).toThrow(/no cursor/);
  });

  it('fails with what the server said', async () => {
    const error = { code: 'channel/unknown', message: 'No agent "x".', retryable: false };
    const failure = await failureOf(answering(404, JSON.stringify({ error })));
    expect(failure).toMatchObject({ code: 'channel/unknown', message: 'No agent "x".' });
  });

  it('fails with the status where the answer is not ours', async () => {
    const failure = await failureOf(answering(502, '<html>Bad gateway</html>'));
    expect(failure.message).toMatch(/status 502/);
    expect((await failureOf(answering(200, '<html>Sign in</html>'))).code).toBe(
      'protocol/malformed',
    );
  });

  it('fails readably where nothing answers', async () => {
    const failure = await failureOf(() => Promise.reject(new TypeError('fetch failed')));
    expect(failure).toMatchObject({ code: 'link/refused', retryable: true });
  });
});
