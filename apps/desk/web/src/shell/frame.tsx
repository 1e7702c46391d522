// The header with connection, theme and sign-in, and the place for a page.

import type { ReactElement, ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { ConnectionPill } from './connection-pill.tsx';
import { SignIn } from './sign-in.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

const PAGES = [
  { href: '/', name: 'Floor' },
  { href: '/runs', name: 'Runs' },
];

export function Frame({ children }: { readonly children: ReactNode }): ReactElement {
  const [place] = useLocation();
  const isAt = (href: string): boolean =>
    href === '/' ? place === '/' : place === href || place.startsWith(`${href}/`);
  return (
    <div className="flex min-h-full flex-col">
      <a
        href="#page"
        className="sr-only focus:not-sr-only focus:absolute focus:z-10 focus:m-2 focus:rounded-md focus:bg-surface focus:px-3 focus:py-2"
      >
        Skip to the page
      </a>
      <header className="flex h-13 items-center gap-3 border-b border-line bg-surface px-4">
        <Link href="/" className="flex items-center gap-2 text-[15px] font-semibold">
          <img src="/favicon.svg" alt="" width="22" height="22" />
          Desk
        </Link>
        <nav aria-label="Pages" className="flex gap-1">
          {PAGES.map(({ href, name }) => (
            <Link
              key={href}
              href={href}
              aria-current={isAt(href) ? 'page' : undefined}
              className="rounded-md px-2 py-1 text-[13px] text-quiet hover:text-ink aria-[current=page]:bg-raised aria-[current=page]:text-ink"
            >
              {name}
            </Link>
          ))}
        </nav>
        <div className="ml-auto flex items-center gap-2">
          <ConnectionPill />
          <ThemeSwitch />
          <SignIn />
        </div>
      </header>
      <main id="page" className="flex flex-1 flex-col">
        {children}
      </main>
    </div>
  );
}
