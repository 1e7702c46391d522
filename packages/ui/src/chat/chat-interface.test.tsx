import { type Client, createClient } from '@millrace/client';
import { createFakeLink, type FakeLink } from '@millrace/client/testing';
import { aiRuns, conversations } from '@millrace/protocol/runs';
import { MillraceProvider } from '@millrace/react';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatInterface } from './chat-interface.tsx';

const NONE = { inputTokens: 0, outputTokens: 0, isEstimated: false };

let link: FakeLink;
let client: Client;
/** `POST /api/chat/sessions {"modelId":…}` and so on, oldest first. */
let asked: string[];
/** What the next requests of a path are answered with; else what `usual` says. */
let answers: Record<string, () => Response>;

function usual(path: string): Response {
  if (path.startsWith('/api/chat/sessions?')) return Response.json({ sessions: [] });
  if (path === '/api/chat/sessions') return Response.json({ id: 's1', title: '' });
  if (path.endsWith('/messages')) return Response.json({ messages: [] });
  if (path.endsWith('/stop')) return Response.json({ stopped: true });
  if (path.endsWith('/runs')) {
    const run = { runId: 'r1', messageId: 'm1', conversationId: 's1' };
    return Response.json(run, { status: 202 });
  }
  return Response.json({ error: { code: 'request/not-found', message: 'Nothing.' } });
}

beforeEach(() => {
  link = createFakeLink();
  client = createClient(link.options);
  asked = [];
  answers = {};
  vi.stubGlobal(
    'fetch',
    vi.fn((url: string, init: RequestInit = {}) => {
      const body = typeof init.body === 'string' ? ` ${init.body}` : '';
      asked.push(`${init.method ?? 'GET'} ${url}${body}`);
      return Promise.resolve(answers[url]?.() ?? usual(url));
    }),
  );
});

afterEach(async () => {
  cleanup();
  await client.close();
  vi.unstubAllGlobals();
});

function show(runId: string | null = 'run-5'): void {
  render(
    <StrictMode>
      <MillraceProvider client={client}>
        <ChatInterface selectedModelId="grid" selectedRunId={runId} runNumber={5} />
      </MillraceProvider>
    </StrictMode>,
  );
}

/** As the server does once it has the question. */
function accept(question: string): void {
  const ids = { runId: 'r1', messageId: 'm1' };
  link.emit(conversations.of({ conversationId: 's1' }), {
    type: 'run-accepted',
    data: { ...ids, userId: 'u', question, retryOf: null },
  });
  link.emit(conversations.of({ conversationId: 's1' }), {
    type: 'run-started',
    data: { runId: 'r1' },
  });
}

type Told = Parameters<typeof link.emit<typeof aiRuns.events, unknown>>[1];

function write(...events: readonly Told[]): void {
  for (const event of events) link.emit(aiRuns.of({ runId: 'r1' }), event);
}

function begin(): void {
  const data = { conversationId: 's1', messageId: 'm1', model: 'built-in-analyst' };
  write({ type: 'run-start', data }, { type: 'step-start', data: { part: 0 } });
}

function count(request: string): number {
  return asked.filter((one) => one.startsWith(request)).length;
}

describe('ChatInterface', () => {
  it('says what it is about, and asks what is suggested in a conversation that begins then, once', async () => {
    show();
    expect(screen.getByText('Run #5')).toBeDefined();
    expect(
      screen.getByText("Chatting with AI about this run (uses your model's AI)"),
    ).toBeDefined();
    expect(screen.getByPlaceholderText('Ask about this run...')).toBeDefined();
    fireEvent.click(await screen.findByRole('button', { name: 'How risky was it?' }));
    await waitFor(() => expect(count('POST /api/chat/s1/runs')).toBe(1));
    expect(asked).toContain('POST /api/chat/sessions {"modelId":"grid","runId":"run-5"}');
    expect(count('POST /api/chat/sessions')).toBe(1);
    // It is the name of the conversation too, as soon as the list has it.
    expect(await screen.findByText('How risky was it?', { selector: 'p' })).toBeDefined();
  });

  it('shows an answer as it is written, its tools with what they were given and said, and stops it', async () => {
    show();
    fireEvent.click(await screen.findByRole('button', { name: 'How risky was it?' }));
    await waitFor(() => expect(count('POST /api/chat/s1/runs')).toBe(1));
    accept('How risky was it?');
    begin();
    const call = { part: 1, callId: 'c1', name: 'calculate_metrics', isRemote: false };
    write(
      { type: 'tool-call', data: { ...call, input: { metric_type: 'risk' }, provider: null } },
      { type: 'tool-result', data: { part: 1, output: { text: 'Volatility: 12%' } } },
      { type: 'text-start', data: { part: 2 } },
      { type: 'text-delta', data: { part: 2, text: 'It was **calm**' } },
    );
    const badge = await screen.findByRole('button', { name: /^calculate_metrics done$/ });
    await waitFor(() => expect(screen.getByText('calm').tagName).toBe('STRONG'));
    expect(badge.getAttribute('aria-expanded')).toBe('false');
    fireEvent.click(badge);
    expect(screen.getByText('Volatility: 12%')).toBeDefined();
    expect(screen.getByText(/"metric_type": "risk"/)).toBeDefined();

    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    await waitFor(() => expect(count('POST /api/chat/s1/stop')).toBe(1));
    write({
      type: 'run-end',
      data: { status: 'stopped', finishReason: null, error: null, ...NONE },
    });
    await screen.findByText(/^Stopped\. What was written is shown here/);
    expect(screen.getByText('calm')).toBeDefined();
    expect(screen.getByRole('button', { name: 'Send' })).toBeDefined();
  });

  it('offers the rules that an answer suggests, and accepts one for the model', async () => {
    answers['/api/models/grid/rules'] = () => Response.json({ rules: [] }, { status: 201 });
    show();
    fireEvent.click(await screen.findByRole('button', { name: 'Which rule would have helped?' }));
    await waitFor(() => expect(count('POST /api/chat/s1/runs')).toBe(1));
    accept('Which rule would have helped?');
    begin();
    const rule = { id: 'stop-loss-2', kind: 'stop_loss', percent: 2 };
    const suggestion = {
      rule,
      words: 'sell a position that has lost 2%',
      because: 'Nine trades fell further.',
      counterfactual: { saved: 120.5 },
    };
    const output = { text: 'Based on …', data: { suggestions: [suggestion, { words: 'broken' }] } };
    const call = { part: 1, callId: 'c1', name: 'suggest_rules', isRemote: false };
    write(
      { type: 'tool-call', data: { ...call, input: {}, provider: null } },
      { type: 'tool-result', data: { part: 1, output } },
      {
        type: 'run-end',
        data: { status: 'completed', finishReason: 'stop', error: null, ...NONE },
      },
    );
    await screen.findByText(/It would have saved \$120\.50/);
    expect(screen.getAllByRole('button', { name: /^Accept/ })).toHaveLength(1);
    fireEvent.click(screen.getByRole('button', { name: /^Accept/ }));
    await screen.findByText(/^Accepted\./);
    expect(asked).toContain(`POST /api/models/grid/rules ${JSON.stringify({ rule })}`);
  });

  it('goes on with the newest conversation, and opens another one', async () => {
    const sessions = [
      { id: 's2', title: 'Newest' },
      { id: 's1', title: 'Older' },
    ];
    answers['/api/chat/sessions?modelId=grid&runId=run-5'] = () => Response.json({ sessions });
    show();
    const menu = await screen.findByRole<HTMLSelectElement>('combobox', { name: 'Conversation' });
    expect(menu.value).toBe('s2');
    await waitFor(() => expect(count('GET /api/chat/s2/messages')).toBeGreaterThan(0));
    fireEvent.change(menu, { target: { value: 's1' } });
    await waitFor(() => expect(count('GET /api/chat/s1/messages')).toBeGreaterThan(0));
    fireEvent.change(menu, { target: { value: '' } });
    expect(await screen.findByRole('button', { name: 'How risky was it?' })).toBeDefined();
  });

  it('says why a conversation could not begin, and keeps the question to ask it again', async () => {
    answers['/api/chat/sessions'] = () =>
      Response.json(
        { error: { code: 'request/not-found', message: 'There is no such run.' } },
        { status: 404 },
      );
    show();
    fireEvent.click(await screen.findByRole('button', { name: 'How risky was it?' }));
    await screen.findByText('There is no such run.');
    expect(screen.getByText('How risky was it?').closest('article')).not.toBeNull();
    answers = {};
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await waitFor(() => expect(count('POST /api/chat/s1/runs')).toBe(1));
    expect(asked.find((one) => one.includes('/runs '))).toContain('"text":"How risky was it?"');
    expect(screen.queryByText('There is no such run.')).toBeNull();
  });

  it('offers nothing to stop before there is anything that could be', async () => {
    let answer: (response: Response) => void = () => undefined;
    vi.mocked(fetch).mockImplementation((url) =>
      url === '/api/chat/sessions'
        ? new Promise((resolve) => (answer = resolve))
        : Promise.resolve(usual(url instanceof Request ? url.url : url.toString())),
    );
    show();
    fireEvent.click(await screen.findByRole('button', { name: 'How risky was it?' }));
    const stop = screen.getByRole<HTMLButtonElement>('button', { name: 'Stop' });
    expect(stop.disabled).toBe(true);
    answer(Response.json({ id: 's1', title: '' }));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Stopping' })).toBeNull());
  });

  it('sends by Enter, begins a line by Shift+Enter, and sends nothing that is empty', async () => {
    show(null);
    const area = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Your question' });
    expect(area.placeholder).toBe('Ask me anything...');
    fireEvent.change(area, { target: { value: '   ' } });
    fireEvent.keyDown(area, { key: 'Enter' });
    fireEvent.change(area, { target: { value: 'Which run did best?' } });
    fireEvent.keyDown(area, { key: 'Enter', shiftKey: true });
    expect(count('POST')).toBe(0);
    fireEvent.keyDown(area, { key: 'Enter' });
    await waitFor(() => expect(count('POST /api/chat/s1/runs')).toBe(1));
    expect(asked.find((one) => one.includes('/runs '))).toContain('"text":"Which run did best?"');
  });
});
