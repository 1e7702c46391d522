// The colour that cards are drawn on now, for what is drawn on a canvas and cannot use a CSS variable.

import { useSyncExternalStore } from 'react';

export function useGround(): string {
  return useSyncExternalStore(watchTheme, readGround, () => '#ffffff');
}

/** The value of one of our colour variables, as `#rrggbb`. */
export function readColor(name: '--surface' | '--ink' | '--quiet' | '--line'): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function readGround(): string {
  return readColor('--surface');
}

function watchTheme(changed: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  const observer = new MutationObserver(changed);
  query.addEventListener('change', changed);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    query.removeEventListener('change', changed);
    observer.disconnect();
  };
}
