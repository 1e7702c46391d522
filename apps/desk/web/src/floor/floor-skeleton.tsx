// The Floor's shape while its first data is under way: the same boxes in the same places, so nothing jumps.

import type { ReactElement } from 'react';

export function FloorSkeleton(): ReactElement {
  return (
    <div aria-busy="true" className="flex flex-1 flex-col gap-3 p-3">
      <p className="sr-only">Loading the floor…</p>
      <div className="h-[66px] animate-pulse rounded-card bg-surface" />
      <div className="grid gap-3 xl:grid-cols-[minmax(0,1fr)_380px]">
        <div className="h-[380px] animate-pulse rounded-card bg-surface" />
        <div className="h-[380px] animate-pulse rounded-card bg-surface" />
      </div>
      <div className="min-h-[440px] flex-1 animate-pulse rounded-card bg-surface" />
    </div>
  );
}
