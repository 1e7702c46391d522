// @vitest-environment happy-dom

import { type Client, createClient } from '@millrace/client';
import { createFakeLink, type FakeLink } from '@millrace/client/testing';
import { agentMessages } from '@millrace/protocol/channels';
import { cleanup, render, screen, waitFor, within } from '@testing-library/react';
import { createElement, type FunctionComponent } from 'react';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HookAlone } from './hook-alone.tsx';
import { SideBySide } from './side-by-side.tsx';
import { open, WholePage } from './whole-page.tsx';

let link: FakeLink;
let client: Client;

beforeEach(() => {
  link = createFakeLink();
  client = createClient(link.options);
});

afterEach(async () => {
  cleanup();
  await client.close();
});

function post(id: string, agentId: string, content: string): void {
  const timestamp = new Date().toISOString();
  const data = { id, agentId, type: 'trade', content, timestamp } as const;
  link.emit(agentMessages.of(), { type: 'message', data });
}

function show(component: FunctionComponent<{ client: Client }>): void {
  render(createElement(component, { client }));
}

it('whole page: fills the screen with all agents and shows what they write', async () => {
  show(WholePage);
  expect(screen.getByRole('main').className).toBe('h-screen');
  expect(await screen.findByText('Real-time (WebSocket)')).toBeTruthy();
  expect(screen.getAllByRole('tab')).toHaveLength(5);
  post('m1', 'buy_and_hold', 'Holding.');
  expect(await screen.findByText('Holding.')).toBeTruthy();
});

it('whole page: opens in an element, and closes its link when it is taken away', async () => {
  const root = document.createElement('div');
  document.body.append(root);
  const close = open(root, link.options);
  expect(await within(root).findByText('Real-time (WebSocket)')).toBeTruthy();
  expect(link.sent[0]).toMatchObject({ type: 'connect', beatMs: 2_000 });
  close();
  expect(root.childElementCount).toBe(0);
  root.remove();
});

it('side by side: every part takes its cell’s height, shares one link and gets its own messages', async () => {
  show(SideBySide);
  const single = screen.getByRole('region', { name: 'Claude Arbitrage' });
  const all = screen.getByRole('region', { name: 'Agent messages' });
  expect([single, all].every((part) => part.classList.contains('h-full'))).toBe(true);
  expect(await screen.findByText('The link is open.')).toBeTruthy();
  await waitFor(() => expect(screen.getAllByText('Real-time (WebSocket)')).toHaveLength(2));
  post('m1', 'claude_arbitrage', 'Both legs are filled.');
  post('m2', 'deepseek_ml', 'The error went down.');
  expect(await within(single).findByText('Both legs are filled.')).toBeTruthy();
  expect(await within(all).findByText('The error went down.')).toBeTruthy();
  expect(within(all).queryByText('Both legs are filled.')).toBeNull();
  expect(link.sent.filter((frame) => frame.type === 'connect')).toHaveLength(1);
});

it('hook alone: needs no provider', async () => {
  const { url: realtimeUrl, ...clientOptions } = link.options;
  render(createElement(HookAlone, { realtimeUrl, clientOptions }));
  expect(screen.getByText('Loading…')).toBeTruthy();
  expect(await screen.findByText('Live')).toBeTruthy();
  post('m1', 'gemini_grid', 'Sold a rung.');
  const list = screen.getByRole('region', { name: 'gemini_grid' });
  expect(await within(list).findByText('trade: Sold a rung.')).toBeTruthy();
});
