// A client of one link for each carrier, as small as can be: frames out, frames in, in the order of arrival.
// No reconnection, no filtering: cases look at what the server really sent. A poll is repeated with the cursors that
// came, as POLL-1 wants it, under the same session with rising numbers.

import { type Cursor, MillraceError, parseWireError } from '@millrace/protocol';
import {
  type ClientFrame,
  type ConnectFrame,
  encodeClientFrame,
  parseServerFrame,
  parseServerFrames,
  type ServerFrame,
  SUBPROTOCOL,
  type SubscribeItem,
} from '@millrace/protocol/wire';

export type Carrier = 'websocket' | 'sse' | 'poll';

export interface TestLink {
  /** Everything that came; a refusal by status is here as an `error` frame. */
  readonly frames: readonly ServerFrame[];
  readonly isClosed: boolean;
  /** The close code, on a WebSocket. */
  readonly closeCode: number | null;
  /** Sends a frame over the link; only a WebSocket can. */
  send(frame: ClientFrame): void;
  close(): void;
}

export function openTestLink(carrier: Carrier, url: string, connect: ConnectFrame): TestLink {
  return openRaw(carrier, url, encodeClientFrame(connect), connect);
}

/** Opens a link with any text in place of a `connect`. */
export function openMalformedLink(carrier: Carrier, url: string, text: string): TestLink {
  return openRaw(carrier, url, text, null);
}

function openRaw(
  carrier: Carrier,
  url: string,
  text: string,
  connect: ConnectFrame | null,
): TestLink {
  switch (carrier) {
    case 'websocket':
      return openSocket(url, text);
    case 'sse':
      return openStream(url, text);
    case 'poll':
      return openPolls(url, text, connect);
  }
}

function openSocket(url: string, text: string): TestLink {
  const frames: ServerFrame[] = [];
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, SUBPROTOCOL);
  let closeCode: number | null = null;
  socket.addEventListener('open', () => socket.send(text));
  socket.addEventListener('message', ({ data }) => keep(frames, parseServerFrame(String(data))));
  socket.addEventListener('close', ({ code }) => {
    closeCode = code;
  });
  return {
    frames,
    get isClosed() {
      return closeCode !== null;
    },
    get closeCode() {
      return closeCode;
    },
    send: (frame) => socket.send(encodeClientFrame(frame)),
    close: () => socket.close(),
  };
}

function openStream(url: string, text: string): TestLink {
  const frames: ServerFrame[] = [];
  const abort = new AbortController();
  let isClosed = false;
  void read().finally(() => {
    isClosed = true;
  });

  async function read(): Promise<void> {
    const response = await post(`${url}/sse`, text, abort.signal, frames);
    if (response?.body === null || response === null) return;
    let rest = '';
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        const blocks = `${rest}${chunk}`.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) keep(frames, parseServerFrame(dataOf(block)));
      }
    } catch (thrown) {
      if (!abort.signal.aborted) throw thrown;
    }
  }

  return {
    frames,
    get isClosed() {
      return isClosed;
    },
    closeCode: null,
    send: refuseToSend,
    close: () => abort.abort(),
  };
}

function openPolls(url: string, text: string, connect: ConnectFrame | null): TestLink {
  const frames: ServerFrame[] = [];
  const abort = new AbortController();
  let isClosed = false;
  void poll().finally(() => {
    isClosed = true;
  });

  async function poll(): Promise<void> {
    let next = connect;
    let body = text;
    while (!abort.signal.aborted) {
      const answered = await pollOnce(body);
      if (answered === null || next === null || answered.some(isLast)) return;
      next = {
        ...next,
        link: next.link + 1,
        channels: next.channels.map((item) => moved(item, answered)),
      };
      body = encodeClientFrame(next);
    }
  }

  async function pollOnce(body: string): Promise<ServerFrame[] | null> {
    const response = await post(`${url}/poll`, body, abort.signal, frames);
    if (response === null) return null;
    const answered = parseServerFrames(await response.json());
    frames.push(...answered);
    return answered;
  }

  return {
    frames,
    get isClosed() {
      return isClosed;
    },
    closeCode: null,
    send: refuseToSend,
    close: () => abort.abort(),
  };
}

/** The response, or null when it was refused (kept as an `error` frame) or aborted. */
async function post(
  url: string,
  body: string,
  signal: AbortSignal,
  frames: ServerFrame[],
): Promise<Response | null> {
  try {
    const response = await fetch(url, { method: 'POST', body, signal });
    if (response.ok) return response;
    const answer: unknown = await response.json();
    const error =
      typeof answer === 'object' && answer !== null && 'error' in answer && answer.error;
    frames.push({ type: 'error', error: parseWireError(error) });
  } catch (thrown) {
    if (!signal.aborted)
      frames.push({ type: 'error', error: new MillraceError('link/lost', String(thrown)) });
  }
  return null;
}

/** The subscription at the position that these frames lead to. */
function moved(item: SubscribeItem, frames: readonly ServerFrame[]): SubscribeItem {
  let cursor: Cursor | null =
    typeof item.start === 'object' && 'epoch' in item.start ? item.start : null;
  for (const frame of frames) {
    if (frame.type === 'verdict' && frame.channel === item.channel && 'cursor' in frame)
      cursor = frame.cursor;
    const last =
      frame.type === 'events' && frame.channel === item.channel ? frame.events.at(-1) : undefined;
    if (last !== undefined && cursor !== null)
      cursor = { epoch: cursor.epoch, offset: last.offset };
  }
  return cursor === null ? item : { ...item, start: cursor };
}

function isLast(frame: ServerFrame): boolean {
  return frame.type === 'error' || frame.type === 'goaway' || frame.type === 'end';
}

function dataOf(block: string): string {
  return block
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice(6))
    .join('\n');
}

function keep(frames: ServerFrame[], frame: ServerFrame | null): void {
  if (frame !== null) frames.push(frame);
}

function refuseToSend(): never {
  throw new RangeError('Only a WebSocket takes frames after `connect`; others open a new link.');
}
