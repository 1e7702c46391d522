// The market's ticker: every symbol with its price and the day's change, newest tick of the channel `market_ticks`.

import { useChannel } from '@millrace/react';
import type { ReactElement } from 'react';
import type { MarketAnswer } from '../../../shared/api.ts';
import { marketTicks } from '../../../shared/channels.ts';
import { Change } from '../parts/change.tsx';
import { formatMarketTime, formatPrice, formatWhole } from '../parts/format.ts';

const TICKS = marketTicks.of();

export function Ticker({ first }: { readonly first: MarketAnswer }): ReactElement {
  const { state } = useChannel(TICKS);
  const tick = state?.latest ?? first.tick;
  const names = new Map(first.instruments.map((one) => [one.symbol, one.name]));
  if (tick === null) {
    return (
      <p className="flex h-[66px] items-center rounded-card border border-line bg-surface px-4 text-quiet">
        The market opens with its first tick.
      </p>
    );
  }
  return (
    <section aria-label="Ticker" className="rounded-card border border-line bg-surface">
      <ul
        // Keyboard users scroll it too where it does not fit.
        tabIndex={0}
        aria-label="Prices"
        className="flex overflow-x-auto"
      >
        <li className="sticky left-0 z-[1] flex min-w-26 flex-col justify-center border-r border-line bg-surface px-4 py-3">
          <span className="text-xs text-quiet">Day {formatWhole(tick.day + 1)}</span>
          <time dateTime={tick.time} className="tabular whitespace-nowrap text-[13px]">
            {formatMarketTime(tick.time)}
          </time>
        </li>
        {tick.quotes.map((quote) => (
          <li
            key={quote.symbol}
            title={`${names.get(quote.symbol) ?? quote.symbol} · ${formatWhole(quote.volume)} shares today`}
            className="flex min-w-31 flex-1 flex-col px-4 py-3"
          >
            <span className="flex items-baseline justify-between gap-2">
              <span className="text-xs font-semibold">{quote.symbol}</span>
              <Change share={quote.change} className="text-xs" />
            </span>
            <span className="tabular text-[15px]">{formatPrice(quote.price)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
