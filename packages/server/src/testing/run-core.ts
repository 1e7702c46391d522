// A hub without its HTTP face for tests: links without sockets, and what it reported.

import type { Cursor, Start } from '@millrace/protocol';
import type { ConnectFrame } from '@millrace/protocol/wire';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import { createHubCore, type HubCore, type HubCoreOptions } from '../hub-core.ts';
import type { Engine } from '../seams/engine.ts';
import { connectFrame, type MemoryLink, openMemoryLink } from './memory-link.ts';
import { testHubOptions } from './test-channels.ts';

export interface RunningCore extends AsyncDisposable {
  readonly core: HubCore;
  readonly engine: Engine;
  /** The messages of what `onError` was told. */
  readonly errors: string[];
  open(parts?: Partial<ConnectFrame>, address?: string): MemoryLink;
  publish(channel: { readonly name: string }, ...texts: string[]): Promise<Cursor>;
}

export function runCore(options: Partial<HubCoreOptions> = {}): RunningCore {
  const engine = options.engine ?? memoryEngine();
  const errors: string[] = [];
  const core = createHubCore({
    ...testHubOptions,
    onError: (error) => errors.push(error.message),
    ...options,
    engine,
  });
  return {
    core,
    engine,
    errors,
    open: (parts, address) => openMemoryLink(core.links, connectFrame(parts), address),
    async publish(channel, ...texts) {
      const items = texts.map((text) => ({
        channel: channel.name,
        event: { type: 'note', data: { text } },
      }));
      const last = (await core.publisher.publish(items)).at(-1);
      if (last === undefined || 'error' in last)
        throw last?.error ?? new Error('nothing published');
      return last.cursor;
    },
    async [Symbol.asyncDispose]() {
      await core.sendAway(0);
      await core.close();
      await engine.close();
    },
  };
}

/** The part of `connect` that subscribes to one channel. */
export function on(
  channel: { readonly name: string },
  start: Start = 'now',
  version = 1,
): Partial<ConnectFrame> {
  return { channels: [{ channel: channel.name, start, version }] };
}

export function textsOf(link: MemoryLink): string[] {
  return link.frames.flatMap((frame) =>
    frame.type === 'events'
      ? frame.events.map((event) => (event.data as { text: string }).text)
      : [],
  );
}

export function verdictsOf(link: MemoryLink): string[] {
  return link.frames.flatMap((frame) => (frame.type === 'verdict' ? [frame.verdict] : []));
}
