// Keeps a scroller at its end while its content grows, for those who are there; leaves it alone for those who read above.

import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';

/** Pixels from the end that still count as being there. */
const END_SLACK_PX = 24;

export interface StickToEnd {
  readonly scrollerRef: RefObject<HTMLDivElement | null>;
  readonly contentRef: RefObject<HTMLDivElement | null>;
  readonly isAtEnd: boolean;
  onScroll(): void;
  goToEnd(): void;
}

export function useStickToEnd(): StickToEnd {
  const scrollerRef = useRef<HTMLDivElement>(null);
  const contentRef = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const isSticky = useRef(true);

  useEffect(() => {
    const scroller = scrollerRef.current;
    const content = contentRef.current;
    if (scroller === null || content === null) return undefined;
    const observer = new ResizeObserver(() => {
      if (isSticky.current) scroller.scrollTop = scroller.scrollHeight;
    });
    observer.observe(content);
    observer.observe(scroller);
    return () => observer.disconnect();
  }, []);

  const onScroll = useCallback(() => {
    const scroller = scrollerRef.current;
    if (scroller === null) return;
    const leftPx = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    isSticky.current = leftPx <= END_SLACK_PX;
    setAtEnd(isSticky.current);
  }, []);

  const goToEnd = useCallback(() => {
    const scroller = scrollerRef.current;
    if (scroller === null) return;
    isSticky.current = true;
    setAtEnd(true);
    scroller.scrollTop = scroller.scrollHeight;
    // The button that was pressed goes away: without this the focus would fall back to the page's top.
    scroller.focus({ preventScroll: true });
  }, []);

  return { scrollerRef, contentRef, isAtEnd, onScroll, goToEnd };
}
