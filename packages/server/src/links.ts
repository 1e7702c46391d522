// All links of a hub: takes what transports hand over, counts them by address, sends them away at the end.
// Rules: LIM-4, LINK-8.

import { MillraceError } from '@millrace/protocol';
import { type AttachmentContext, createAttachment, type OpenAttachment } from './attachment.ts';
import { createLinkCounts } from './link-counts.ts';
import type { Attachment, Link, LinkAcceptor } from './seams/link.ts';

export interface Links extends LinkAcceptor {
  readonly open: ReadonlySet<OpenAttachment>;
  /** Refuses new links, tells the open ones to come back elsewhere, each in its own slot of `graceMs`. */
  sendAway(graceMs: number): void;
  /** Resolves when no link is left, or after `deadlineMs`. */
  gone(deadlineMs: number): Promise<void>;
  closeAll(reason: MillraceError): void;
}

export function createLinks(context: AttachmentContext): Links {
  const open = new Set<OpenAttachment>();
  const addressCounts = createLinkCounts(context.limits.maxLinksPerAddress, 'address');
  let isLeaving = false;
  let onEmpty: (() => void)[] = [];

  function take(address: string): void {
    if (isLeaving) throw shuttingDown();
    addressCounts.take(address);
  }

  /** A link that is refused before it is anybody's: the transport tells the reason and closes. */
  function refuse(link: Link, reason: MillraceError): Attachment {
    context.onRefused(reason);
    link.close(reason);
    const nothing = (): void => undefined;
    return {
      ready: Promise.resolve(),
      received: nothing,
      failed: nothing,
      drained: nothing,
      closed: nothing,
    };
  }

  function forget(attachment: OpenAttachment, address: string): void {
    addressCounts.give(address);
    open.delete(attachment);
    if (open.size > 0) return;
    const waiting = onEmpty;
    onEmpty = [];
    for (const resolve of waiting) resolve();
  }

  return {
    open,
    admit({ address }) {
      take(address);
      let isTaken = true;
      return () => {
        if (isTaken) addressCounts.give(address);
        isTaken = false;
      };
    },
    attach(link, connect, peer) {
      try {
        take(peer.address);
      } catch (thrown) {
        if (thrown instanceof MillraceError) return refuse(link, thrown);
        throw thrown;
      }
      const attachment = createAttachment({ link, connect, peer, onClosed: forget }, context);
      open.add(attachment);
      return attachment;
    },
    sendAway(graceMs) {
      isLeaving = true;
      const slotMs = graceMs / Math.max(1, open.size);
      let slot = 0;
      for (const attachment of open) {
        attachment.goAway(Math.floor(slot * slotMs), Math.ceil(slotMs));
        slot += 1;
      }
    },
    async gone(deadlineMs) {
      if (open.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onEmpty.push(resolve);
      const timer = setTimeout(resolve, deadlineMs);
      await promise;
      clearTimeout(timer);
    },
    closeAll(reason) {
      for (const attachment of [...open]) attachment.close(reason);
    },
  };
}

export function shuttingDown(): MillraceError {
  return new MillraceError('server/shutdown', 'The server is going down. Connect again.', {
    details: { retryAfterMs: 1_000 },
  });
}
