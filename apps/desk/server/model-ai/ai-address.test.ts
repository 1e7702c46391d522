// Where this server may be sent by its users: outside of its own network, by whatever name or spelling.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { isPrivateAddress, parseBaseUrl } from './ai-address.ts';
import { createCheckedFetch } from './checked-fetch.ts';

const strict = { isProduction: true, allowsPrivate: false };
const lax = { isProduction: false, allowsPrivate: false };

test('a base URL is http or https, and loses only the slash at its end', () => {
  expect(parseBaseUrl('https://openrouter.ai/api/v1/', strict)).toBe(
    'https://openrouter.ai/api/v1',
  );
  expect(parseBaseUrl('http://localhost:11434/v1', lax)).toBe('http://localhost:11434/v1');
  expect(parseBaseUrl('http://localhost/v1', { ...strict, allowsPrivate: true })).toBe(
    'http://localhost/v1',
  );
  for (const text of [
    '',
    'file:///etc/passwd',
    'ftp://a.example',
    'https://u:p@a.example',
    'https://a.example/?x=1',
  ]) {
    expect(() => parseBaseUrl(text, lax)).toThrow('The base URL');
  }
});

test.each([
  ...['http://openrouter.ai/api', 'https://localhost/v1', 'https://127.0.0.1/v1', 'https://127.1'],
  ...['https://0x7f000001', 'https://2130706433', 'https://10.0.0.1', 'https://192.168.1.1'],
  ...[
    'https://172.16.0.1',
    'https://169.254.169.254/latest',
    'https://100.64.0.1',
    'https://0.0.0.0',
  ],
  ...['https://[::1]', 'https://[::ffff:127.0.0.1]', 'https://[fe80::1]', 'https://[fd00::1]'],
  ...['https://[::]', 'https://database', 'https://db.internal', 'https://printer.local.'],
])('CHAT-7: in production %s is refused', (text) => {
  expect(() => parseBaseUrl(text, strict)).toThrow('The base URL');
});

test('what is public is not private', () => {
  for (const address of ['1.1.1.1', '104.18.2.115', '2606:4700::6812:273']) {
    expect(isPrivateAddress(address)).toBe(false);
  }
  for (const address of ['fe80::1%eth0', '64:ff9b::7f00:1', '2002:7f00:1::', '::ffff:7f00:1']) {
    expect(isPrivateAddress(address)).toBe(true);
  }
});

test('CHAT-7: a name that resolves to this machine is refused by the socket itself', async () => {
  let hits = 0;
  const server = createServer((_, res) => {
    hits += 1;
    res.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const guarded = createCheckedFetch(strict);
  const open = createCheckedFetch(lax);
  try {
    await expect(guarded.fetch(`https://localhost:${port}/`)).rejects.toThrow('own network');
    await expect(guarded.fetch(`https://127.0.0.1:${port}/`)).rejects.toThrow('own network');
    await expect(guarded.fetch(`http://localhost:${port}/`)).rejects.toThrow('own network');
    expect(hits).toBe(0);
    expect((await open.fetch(`http://localhost:${port}/`)).status).toBe(200);
  } finally {
    guarded.close();
    open.close();
    server.close();
  }
});

test('of what somebody’s server sends without end, only so much is read', async () => {
  const closed = Promise.withResolvers<void>();
  const server = createServer((_, res) => {
    res.writeHead(400);
    const more = (): void => void (res.write(Buffer.alloc(65_536)) ? setImmediate(more) : null);
    res.on('drain', more);
    res.once('close', closed.resolve);
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { fetch, close } = createCheckedFetch(lax);
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    await expect(response.text()).rejects.toThrow('sent more than');
    await closed.promise;
  } finally {
    close();
    server.close();
  }
});

test('a redirect is not followed, and aborting closes the line', async () => {
  const closed = Promise.withResolvers<void>();
  const server = createServer((req, res) => {
    if (req.url === '/moved') return void res.writeHead(302, { location: '/elsewhere' }).end();
    res.writeHead(200).write('a');
    res.once('close', closed.resolve);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { fetch, close } = createCheckedFetch(lax);
  try {
    expect((await fetch(`http://127.0.0.1:${port}/moved`)).status).toBe(302);
    const halt = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: halt.signal });
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('a');
    halt.abort();
    await closed.promise;
    await expect(reader?.read()).rejects.toThrow('aborted');
  } finally {
    close();
    server.close();
  }
});
