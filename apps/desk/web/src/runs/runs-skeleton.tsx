// The page's shape while its first data is under way: the same boxes in the same places, so nothing jumps.

import type { ReactElement } from 'react';

export function RunsSkeleton(): ReactElement {
  return (
    <div
      aria-busy="true"
      className="grid flex-1 grid-cols-[minmax(0,1fr)] gap-3 p-3 lg:h-[calc(100vh-3.25rem)] lg:grid-cols-[minmax(0,1fr)_minmax(340px,420px)] xl:grid-cols-[232px_minmax(0,1fr)_minmax(360px,440px)]"
    >
      <p className="sr-only">Loading the runs…</p>
      <div className="hidden animate-pulse rounded-card bg-surface xl:block" />
      <div className="flex flex-col gap-3">
        <div className="h-[132px] animate-pulse rounded-card bg-surface" />
        <div className="h-[320px] animate-pulse rounded-card bg-surface" />
        <div className="min-h-[160px] flex-1 animate-pulse rounded-card bg-surface" />
      </div>
      <div className="hidden animate-pulse rounded-card bg-surface lg:block" />
    </div>
  );
}
