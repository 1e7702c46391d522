// The Floor: five agents trade on the paper market and talk about it. First paint by one GET, then live by channel.

import type { ReactElement } from 'react';
import type { MarketAnswer } from '../../../shared/api.ts';
import { useJson } from '../data/use-json.ts';
import { Notice } from '../parts/notice.tsx';
import { ActivityCard } from './activity-card.tsx';
import { EquityCard } from './equity-card.tsx';
import { FloorSkeleton } from './floor-skeleton.tsx';
import { TalkCard } from './talk-card.tsx';
import { Ticker } from './ticker.tsx';

export function FloorPage(): ReactElement {
  const [market, again] = useJson<MarketAnswer>('/api/market');
  if (market.is === 'loading') return <FloorSkeleton />;
  if (market.is === 'failed') {
    return <Notice title="The floor could not be loaded" text={market.message} onRetry={again} />;
  }
  return (
    <div className="flex flex-1 flex-col gap-3 p-3">
      <h1 className="sr-only">Floor</h1>
      <Ticker first={market.value} />
      <div className="grid gap-3 xl:grid-cols-[minmax(0,1fr)_380px]">
        <EquityCard first={market.value} />
        <ActivityCard first={market.value} />
      </div>
      <TalkCard agents={market.value.agents} />
    </div>
  );
}
