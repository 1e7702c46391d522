import { type Client, createClient } from '@millrace/client';
import { createFakeLink, type FakeLink } from '@millrace/client/testing';
import { MillraceError } from '@millrace/protocol';
import { agentMessages } from '@millrace/protocol/channels';
import { MillraceProvider } from '@millrace/react';
import type { AgentMessage } from '@millrace/react/chat';
import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentChat } from './agent-chat.tsx';
import { AgentRealtimeChat, type AgentRealtimeChatProps } from './agent-realtime-chat.tsx';

const AGENTS = [
  { id: 'ada', name: 'Ada Arbitrage', color: '#A0826D' },
  { id: 'bob', name: 'Bob & Hold', color: '#000000' },
  { id: 'eve', name: 'Eve Grid', color: '#9CAF88' },
];

let link: FakeLink;
let client: Client;
/** What the polling endpoint and the generator answer. */
let answer: () => Promise<Response>;

beforeEach(() => {
  link = createFakeLink();
  client = createClient(link.options);
  answer = () => Promise.resolve(Response.json({ messages: [], next: 'fake.0', hasMore: false }));
  vi.stubGlobal(
    'fetch',
    vi.fn(() => answer()),
  );
});

afterEach(async () => {
  cleanup();
  await client.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Within `act`, so that what React has to render is rendered when the time is over. */
async function advance(ms: number): Promise<void> {
  await act(() => vi.advanceTimersByTimeAsync(ms));
}

let posted = 0;
function post(content: string, agentId = 'ada', type: AgentMessage['type'] = 'trade'): void {
  posted += 1;
  const data = { id: `m${posted}`, agentId, type, content, timestamp: new Date().toISOString() };
  link.emit(agentMessages.of(), { type: 'message', data });
}

function show(props: Partial<AgentRealtimeChatProps> = {}): void {
  render(
    <MillraceProvider client={client}>
      <AgentRealtimeChat agents={AGENTS} {...props} />
    </MillraceProvider>,
  );
}

/** What is read; the status line says it too. */
function errorText(text: string | RegExp): HTMLElement {
  return screen.getByText(text, { selector: '.mr-error-text' });
}

/** What the style sheet does above 720 px; happy-dom knows no container queries. */
function makeWide(): void {
  const style = document.createElement('style');
  style.textContent = '.mr-tabs { display: none }';
  document.head.append(style);
}

afterEach(() => {
  document.head.replaceChildren();
});

describe('AgentRealtimeChat', () => {
  it('names the real carrier, and says once in its status line how it is connected', async () => {
    show();
    expect(screen.getByText('Connecting…')).toBeTruthy();
    expect(await screen.findByText('Real-time (WebSocket)')).toBeTruthy();
    expect(screen.getByRole('status').textContent).toBe('Real-time (WebSocket).');
    expect(document.querySelectorAll('[aria-live], [role=log], [role=alert]')).toHaveLength(0);
  });

  it('shows each message in its agent’s column, as plain text, with badge and exact time', async () => {
    makeWide();
    show();
    await screen.findByText('Real-time (WebSocket)');
    post('Bought <b>10</b> ACME.', 'ada', 'trade');
    post('Holding.', 'bob', 'opinion');
    const column = screen.getByRole('region', { name: 'Ada Arbitrage' });
    expect(await within(column).findByText('Bought <b>10</b> ACME.')).toBeTruthy();
    expect(within(column).getByText('Trade')).toBeTruthy();
    expect(within(column).queryByText('Holding.')).toBeNull();
    const time = within(column).getByText('just now');
    expect(time.getAttribute('datetime')).toMatch(/^\d{4}-.*Z$/);
    expect(time.title).toMatch(/UTC/);
  });

  it('highlights what arrives, not what was there', async () => {
    post('Old.');
    show();
    const old = await screen.findByText('Old.');
    await screen.findByText('Real-time (WebSocket)');
    post('New.');
    const fresh = await screen.findByText('New.');
    expect(fresh.closest('article')?.hasAttribute('data-fresh')).toBe(true);
    expect(old.closest('article')?.hasAttribute('data-fresh')).toBe(false);
  });

  it('highlights the very first message too, for three seconds', async () => {
    vi.useFakeTimers();
    show();
    await advance(500);
    post('First.');
    await advance(100);
    const card = screen.getByText('First.').closest('article');
    expect(card?.hasAttribute('data-fresh')).toBe(true);
    await advance(3_100);
    expect(card?.hasAttribute('data-fresh')).toBe(false);
  });

  it('waits with a skeleton, then with words that tell how to get messages', async () => {
    show();
    expect(document.querySelectorAll('.mr-skeleton')).toHaveLength(3);
    expect(await screen.findAllByText('Waiting for agent messages…')).toHaveLength(3);
    expect(screen.getByText(/^curl -X POST http.*\/api\/chat\/generate$/)).toBeTruthy();
    post('Here.');
    await screen.findByText('Here.');
    expect(screen.queryByText(/^curl/)).toBeNull();
  });

  it('asks the agents to write, and says so when it may not', async () => {
    show();
    const button = await screen.findByRole('button', { name: 'Generate now' });
    answer = () => Promise.resolve(new Response('{}', { status: 403 }));
    fireEvent.click(button);
    expect(await screen.findByRole('alert')).toHaveProperty(
      'textContent',
      expect.stringMatching(/Sign in as an admin/),
    );
    expect(fetch).toHaveBeenCalledWith('/api/chat/generate', { method: 'POST' });
    answer = () => Promise.resolve(Response.json({ success: true }));
    fireEvent.click(screen.getByRole('button', { name: 'Generate now' }));
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });

  it('shows no such hint with generateUrl null', async () => {
    show({ generateUrl: null });
    await screen.findAllByText('Waiting for agent messages…');
    expect(screen.queryByRole('button', { name: 'Generate now' })).toBeNull();
  });

  it('keeps its messages through a failure, says what to do, and tries again when asked', async () => {
    show();
    post('Still here.');
    await screen.findByText('Still here.');
    answer = () => Promise.reject(new TypeError('fetch failed'));
    link.hold();
    link.cut();
    expect(await screen.findByText('Offline')).toBeTruthy();
    expect(errorText(/cannot be reached/)).toBeTruthy();
    expect(screen.getByText('Still here.')).toBeTruthy();
    link.accept();
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('Real-time (WebSocket)')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull();
  });

  it('says that it polls while it polls', async () => {
    show();
    await screen.findByText('Real-time (WebSocket)');
    link.hold();
    link.cut();
    expect(await screen.findByText('Polling (fallback)')).toBeTruthy();
  });

  it('says that it is idle with streaming and polling off', () => {
    show({ enableSSE: false, enableFallbackPolling: false });
    expect(screen.getByText('Idle')).toBeTruthy();
    expect(errorText(/switched off/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull();
  });

  it('says why a channel is refused', async () => {
    const error = new MillraceError('auth/denied', 'Sign in to read this.');
    link.verdict(agentMessages.of(), { verdict: 'denied', error });
    show();
    expect(await waitFor(() => errorText('Sign in to read this.'))).toBeTruthy();
    expect(screen.getAllByText('No messages received.')).toHaveLength(3);
  });

  it('passes className and the agents’ colours on', () => {
    show({ className: 'h-full' });
    const chat = screen.getByRole('region', { name: 'Agent messages' });
    expect(chat.className).toBe('mr-chat h-full');
    const ada = screen.getByRole('tab', { name: /Ada Arbitrage/ });
    expect(ada.style.getPropertyValue('--mr-agent')).toBe('#A0826D');
    cleanup();
    show();
    expect(screen.getByRole('region', { name: 'Agent messages' }).className).toBe(
      'mr-chat mr-fill',
    );
  });

  it('renders with no agents at all', () => {
    show({ agents: [] });
    expect(screen.getByRole('region', { name: 'Agent messages' })).toBeTruthy();
  });
});

describe('tabs', () => {
  it('follow the pattern: one stop for Tab; arrows, Home and End select and move the focus', async () => {
    show();
    await screen.findByText('Real-time (WebSocket)');
    const tabs = screen.getAllByRole('tab');
    const state = (): (string | null)[] => tabs.map((tab) => tab.getAttribute('aria-selected'));
    expect(state()).toEqual(['true', 'false', 'false']);
    expect(tabs.map((tab) => tab.tabIndex)).toEqual([0, -1, -1]);

    fireEvent.keyDown(tabs[0]!, { key: 'ArrowLeft' });
    expect(state()).toEqual(['false', 'false', 'true']);
    expect(document.activeElement).toBe(tabs[2]);
    fireEvent.keyDown(tabs[2]!, { key: 'ArrowRight' });
    expect(state()).toEqual(['true', 'false', 'false']);
    fireEvent.keyDown(tabs[0]!, { key: 'End' });
    expect(state()).toEqual(['false', 'false', 'true']);
    fireEvent.keyDown(tabs[2]!, { key: 'Home' });
    expect(state()).toEqual(['true', 'false', 'false']);

    const panels = screen.getAllByRole('tabpanel');
    expect(panels[0]?.getAttribute('aria-labelledby')).toBe(tabs[0]?.id);
    expect(tabs[0]?.getAttribute('aria-controls')).toBe(panels[0]?.id);
  });

  it('count what came to agents that are not shown', async () => {
    show();
    await screen.findByText('Real-time (WebSocket)');
    await screen.findAllByText('Waiting for agent messages…');
    post('One.', 'bob');
    post('Two.', 'bob');
    post('Shown.', 'ada');
    const bob = await screen.findByRole('tab', { name: /Bob & Hold 2 new/ });
    fireEvent.click(bob);
    expect(screen.getByRole('tab', { name: /Bob & Hold/ }).textContent).not.toMatch(/new/);
    post('Later.', 'ada');
    expect(await screen.findByRole('tab', { name: /Ada Arbitrage 1 new/ })).toBeTruthy();
  });

  it('are regions and no tab panels where they stand as columns', async () => {
    makeWide();
    show();
    await waitFor(() => expect(screen.queryAllByRole('tabpanel')).toEqual([]));
    expect(screen.getByRole('region', { name: 'Eve Grid' })).toBeTruthy();
  });
});

describe('the list', () => {
  function scroller(): HTMLElement {
    return screen.getByRole('group', { name: 'Messages of Ada Arbitrage' });
  }

  /** happy-dom lays nothing out: the list is 100 px high and holds 500. */
  function scrollTo(list: HTMLElement, top: number): void {
    Object.defineProperties(list, {
      scrollHeight: { value: 500, configurable: true },
      clientHeight: { value: 100, configurable: true },
    });
    list.scrollTop = top;
    fireEvent.scroll(list);
  }

  it('follows the newest for those who are at its end', async () => {
    show();
    post('One.');
    await screen.findByText('One.');
    scrollTo(scroller(), 395);
    post('Two.');
    await screen.findByText('Two.');
    expect(scroller().scrollTop).toBe(500);
  });

  it('stays where a reader is, and offers the way to what is new', async () => {
    show();
    post('One.');
    await screen.findByText('One.');
    scrollTo(scroller(), 120);
    post('Two.');
    post('Three.');
    const pill = await screen.findByRole('button', { name: /2 new/ });
    expect(scroller().scrollTop).toBe(120);
    fireEvent.click(pill);
    expect(scroller().scrollTop).toBe(500);
    expect(document.activeElement).toBe(scroller());
    expect(screen.queryByRole('button', { name: /new ↓/ })).toBeNull();
  });
});

describe('status line', () => {
  it('sums up what came every 15 s instead of reading each message', async () => {
    vi.useFakeTimers();
    show();
    await advance(500);
    for (const text of ['One.', 'Two.']) post(text);
    post('Three.', 'eve');
    await advance(1_000);
    expect(screen.getByRole('status').textContent).toBe('Real-time (WebSocket).');
    await advance(14_500);
    expect(screen.getByRole('status').textContent).toBe(
      'Real-time (WebSocket). 3 new messages: Ada Arbitrage 2, Eve Grid 1.',
    );
  });
});

describe('AgentChat', () => {
  it('shows one agent under its own name, with how it is connected', async () => {
    render(
      <MillraceProvider client={client}>
        <AgentChat agentId="bob" agentName="Bob & Hold" agentColor="#000000" className="box" />
      </MillraceProvider>,
    );
    const box = screen.getByRole('region', { name: 'Bob & Hold' });
    expect(box.className).toBe('mr-chat mr-chat-single box');
    await within(box).findByText('Real-time (WebSocket)');
    post('Not his.', 'ada');
    post('Holding.', 'bob', 'opinion');
    expect(await within(box).findByText('Holding.')).toBeTruthy();
    expect(within(box).queryByText('Not his.')).toBeNull();
  });
});
