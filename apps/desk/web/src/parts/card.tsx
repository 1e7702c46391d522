// The one card of every page: a titled section with room for controls beside the title.

import type { ReactElement, ReactNode } from 'react';
import { useId } from 'react';

interface CardProps {
  readonly title: string;
  readonly note?: string;
  readonly controls?: ReactNode;
  readonly className?: string;
  readonly children: ReactNode;
}

export function Card({ title, note, controls, className = '', children }: CardProps): ReactElement {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      className={`flex min-w-0 flex-col rounded-card border border-line bg-surface ${className}`}
    >
      <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2">
        <h2 id={id} className="min-w-0 wrap-anywhere text-[13px] font-semibold">
          {title}
        </h2>
        {note === undefined ? null : <p className="text-xs text-quiet max-sm:hidden">{note}</p>}
        <div className="ml-auto flex items-center gap-2">{controls}</div>
      </header>
      {children}
    </section>
  );
}
