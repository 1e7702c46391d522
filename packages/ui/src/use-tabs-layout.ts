// Whether the agents stand as tabs or as columns. The style sheet's container query decides by hiding the
// tab list; this only reads what it decided, so that roles follow what is seen and the width stands in one place.

import { type RefObject, useEffect, useState } from 'react';

export function useTabsLayout(tabListRef: RefObject<HTMLElement | null>): boolean {
  const [isTabs, setTabs] = useState(false);
  useEffect(() => {
    const tabList = tabListRef.current;
    const container = tabList?.parentElement;
    if (!tabList || !container) return undefined;
    const read = (): void => setTabs(getComputedStyle(tabList).display !== 'none');
    const observer = new ResizeObserver(read);
    observer.observe(container);
    read();
    return () => observer.disconnect();
  }, [tabListRef]);
  return isTabs;
}
