// The proxy's socket to a target, with its ordered way out and its response reader. Owned by one
// connection; a replaced or dropped upstream never reports again.

import { connect, type Socket } from 'node:net';
import { type BodyRule, createHttpReader, type Head, type HttpReader } from './http-reader.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { CutHow } from './rules.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Upstream {
  readonly socket: Socket;
  readonly outlet: Outlet;
  readonly responses: HttpReader;
  readonly target: Target;
  /** Idempotent; no report comes after it. */
  drop(how: CutHow): void;
}

export interface UpstreamReports {
  onBytes(bytes: Buffer): void;
  /** `reason` when the target could not be reached or broke off. */
  onClosed(how: CutHow, reason: string | undefined): void;
  onRelief(): void;
  bodyRule(head: Head): BodyRule;
}

export function openUpstream(target: Target, reports: UpstreamReports): Upstream {
  const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
  const outlet = createOutlet(socket, reports.onRelief);
  const responses = createHttpReader(reports.bodyRule);
  let isDropped = false;
  socket.on('data', (bytes: Buffer) => {
    if (!isDropped) reports.onBytes(bytes);
  });
  socket.on('end', () => {
    if (!isDropped) reports.onClosed('fin', undefined);
  });
  socket.on('error', (error) => {
    if (!isDropped) reports.onClosed('rst', error.message);
  });
  return {
    socket,
    outlet,
    responses,
    target,
    drop(how) {
      isDropped = true;
      outlet.close();
      if (socket.destroyed) return;
      // Read on without a listener: an unread answer would turn the FIN into a reset.
      socket.resume();
      if (how === 'rst') socket.resetAndDestroy();
      else socket.end(() => socket.destroySoon());
    },
  };
}
