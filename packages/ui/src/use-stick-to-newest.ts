// Keeps a list at its newest message for those who are there, and still for those who read further up.

import type { AgentMessage } from '@millrace/react/chat';
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { countAfter, lastId } from './count-after.ts';

/** Pixels from the end that still count as being there: a trackpad rarely stops at exactly 0. */
const END_SLACK_PX = 24;

export interface StickToNewest {
  readonly scrollerRef: RefObject<HTMLDivElement | null>;
  /** Messages below what the reader has seen; 0 at the end. */
  readonly unread: number;
  onScroll(): void;
  goToNewest(): void;
}

export function useStickToNewest(messages: readonly AgentMessage[]): StickToNewest {
  const scrollerRef = useRef<HTMLDivElement>(null);
  // The last message that was seen at the end; undefined: the reader is at the end.
  const [seenId, setSeenId] = useState<string | null | undefined>(undefined);
  const isAtEnd = seenId === undefined;

  const stick = useCallback(() => {
    const scroller = scrollerRef.current;
    if (isAtEnd && scroller !== null) scroller.scrollTop = scroller.scrollHeight;
  }, [isAtEnd]);

  useLayoutEffect(stick, [stick, messages]);
  useEffect(() => {
    // A list that gets another height (a tab that is shown, a window made smaller) is still at its end.
    if (scrollerRef.current === null) return undefined;
    const observer = new ResizeObserver(stick);
    observer.observe(scrollerRef.current);
    return () => observer.disconnect();
  }, [stick]);

  return {
    scrollerRef,
    unread: isAtEnd ? 0 : countAfter(messages, seenId),
    onScroll() {
      const scroller = scrollerRef.current;
      if (scroller === null) return;
      const leftPx = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
      if (leftPx <= END_SLACK_PX) setSeenId(undefined);
      else if (isAtEnd) setSeenId(lastId(messages));
    },
    goToNewest() {
      setSeenId(undefined);
      // The pill that was pressed goes away: without this the focus would fall back to the page's top.
      scrollerRef.current?.focus({ preventScroll: true });
    },
  };
}
