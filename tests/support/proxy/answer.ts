// The answer that the proxy gives itself under mode `status`. Always closes: an intermediary that
// refuses an upgrade does not keep the connection.

import type { Fault } from './rules.ts';

export function answerOf(fault: Fault & { readonly mode: 'status' }): Buffer {
  const body = Buffer.from(fault.body ?? '');
  const headers = {
    'content-type': 'text/plain',
    ...fault.headers,
    'content-length': `${body.length}`,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${fault.status} Test\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
