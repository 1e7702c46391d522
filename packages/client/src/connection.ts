// The shell of the connection machine: feeds it events one at a time and makes the world agree with its state
// (links, timers, effects). Decides nothing. Frames go through the same queue, so that a frame never overtakes
// the `hello` before it, nor enters a callback that still runs (CLI-7).

import type { ServerFrame } from '@millrace/protocol/wire';
import { initialConnection, stepConnection } from './connection-machine.ts';
import { currentLink, linksOf, timersOf } from './connection-needs.ts';
import type {
  Connection,
  ConnectionConfig,
  ConnectionEffect,
  ConnectionEvent,
  LinkRef,
  TimerName,
} from './connection-types.ts';
import type { Environment } from './environment.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Remembered } from './race.ts';

export interface ConnectionHost {
  readonly config: ConnectionConfig;
  readonly environment: Environment;
  readonly remembered: Remembered | null;
  openLink(ref: LinkRef, events: LinkEvents): Link;
  /** A frame of the current link. */
  frame(frame: ServerFrame, link: Link): void;
  /** After each step and each frame. */
  changed(connection: Connection, link: Link | null, latencyMs: number | null): void;
  /** The server's clock at a link's `hello`. */
  helloAt(serverAt: number): void;
  remember(remembered: Remembered): void;
  forgetToken(): void;
}

export interface ConnectionShell {
  feed(event: ConnectionEvent): void;
  /** Runs a task in the same queue: never inside a callback that a frame brought. */
  run(task: () => void): void;
  /** The link whose frames count; null while none is open. */
  link(): Link | null;
}

interface OpenLink {
  readonly link: Link;
  latencyMs: number | null;
}

export function createConnection(host: ConnectionHost): ConnectionShell {
  const { environment, config } = host;
  const links = new Map<number, OpenLink>();
  const timers = new Map<TimerName, { readonly at: number; readonly cancel: () => void }>();
  const tasks: (() => void)[] = [];
  let isRunning = false;
  let newestLink = 0;
  let connection = initialConnection({
    remembered: host.remembered,
    isOnline: environment.isOnline(),
  });

  function current(): OpenLink | null {
    const ref = currentLink(connection.state);
    return ref === null ? null : (links.get(ref.number) ?? null);
  }

  function run(task: () => void): void {
    tasks.push(task);
    if (isRunning) return;
    isRunning = true;
    try {
      for (let next = tasks.shift(); next !== undefined; next = tasks.shift()) {
        next();
        const open = current();
        host.changed(connection, open?.link ?? null, open?.latencyMs ?? null);
      }
    } finally {
      isRunning = false;
    }
  }

  function step(event: ConnectionEvent): void {
    const moment = {
      now: environment.now(),
      jitter: environment.random(),
      roundTripMs: environment.roundTripMs(),
    };
    const next = stepConnection(connection, event, moment, config);
    connection = next.connection;
    keepLinks();
    keepTimers(moment.now);
    next.effects.forEach(runEffect);
  }

  function keepLinks(): void {
    const wanted = linksOf(connection.state);
    for (const [number, { link }] of links) {
      if (wanted.some((ref) => ref.number === number)) continue;
      links.delete(number);
      link.close();
    }
    for (const ref of wanted) {
      // Numbers only rise: one that was opened before has ended since, and is not opened again.
      if (ref.number <= newestLink) continue;
      newestLink = ref.number;
      links.set(ref.number, { link: host.openLink(ref, eventsOf(ref)), latencyMs: null });
    }
  }

  function eventsOf({ number }: LinkRef): LinkEvents {
    return {
      hello: (tookMs, latencyMs, serverAt) =>
        run(() => {
          const open = links.get(number);
          if (open === undefined) return;
          open.latencyMs = latencyMs;
          host.helloAt(serverAt);
          step({ type: 'hello', link: number, tookMs });
        }),
      failed: (error) =>
        run(() => {
          links.delete(number);
          step({ type: 'failed', link: number, error });
        }),
      frame: (frame) =>
        run(() => {
          if (frame.type === 'goaway') {
            const { afterMs, spreadMs } = frame;
            step({ type: 'goaway', link: number, afterMs, spreadMs });
            return;
          }
          const open = current();
          if (open !== null && open.link.ref.number === number) host.frame(frame, open.link);
        }),
    };
  }

  function keepTimers(now: number): void {
    const needs = timersOf(connection);
    for (const [timer, { at, cancel }] of timers) {
      if (needs.some((need) => need.timer === timer && need.at === at)) continue;
      timers.delete(timer);
      cancel();
    }
    for (const { timer, at } of needs) {
      if (timers.has(timer)) continue;
      const due = (): void => {
        timers.delete(timer);
        run(() => step({ type: 'due', timer }));
      };
      timers.set(timer, { at, cancel: environment.setTimer(due, Math.max(0, at - now)) });
    }
  }

  function runEffect(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'remember':
        return host.remember(effect.remembered);
      case 'forget-token':
        return host.forgetToken();
      case 'probe':
        if (links.get(effect.link)?.link.wake() === 'doubtful') run(() => step({ type: 'renew' }));
        return undefined;
    }
  }

  return {
    feed: (event) => run(() => step(event)),
    run,
    link: () => current()?.link ?? null,
  };
}
