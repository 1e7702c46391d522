import { expect, test } from 'vitest';
import { mayStart } from './may-start.ts';

const may = (headers: Record<string, string>, isProduction = true, hasTicket = false): boolean =>
  mayStart({ headers, hasTicket, isProduction });

test('CHAT-1: a GET starts an answer for a page of this origin, with a token, or with a ticket', () => {
  expect(may({ 'sec-fetch-site': 'same-origin' })).toBe(true);
  expect(may({ authorization: 'Bearer x' })).toBe(true);
  expect(may({ 'sec-fetch-site': 'cross-site', origin: 'https://a.example' }, true, true)).toBe(
    true,
  );
});

test('CHAT-1: another site’s page, a link, and a bare request in production start nothing', () => {
  for (const site of ['cross-site', 'same-site', 'none']) {
    expect(may({ 'sec-fetch-site': site })).toBe(false);
    expect(may({ 'sec-fetch-site': site }, false)).toBe(false);
  }
  expect(may({})).toBe(false);
  expect(may({}, false)).toBe(true);
  expect(may({ origin: 'http://localhost:1' }, false)).toBe(false);
});

test('CHAT-1: whoever comes back starts nothing, whatever they have', () => {
  const back = { 'last-event-id': 'r~e.1', authorization: 'Bearer x' };
  expect(may({ ...back, 'sec-fetch-site': 'same-origin' }, false, true)).toBe(false);
});
