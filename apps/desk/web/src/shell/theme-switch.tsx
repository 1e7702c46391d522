// Light, dark, or as the system says; kept for the next visit.

import { type ReactElement, useState } from 'react';

const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];
const FACES = { system: '◐', light: '☀', dark: '☾' } as const;

export function ThemeSwitch(): ReactElement {
  const [theme, setTheme] = useState<Theme>(readTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  return (
    <button
      type="button"
      aria-label={`Theme: ${theme}. Switch to ${next}`}
      title={`Theme: ${theme}`}
      className="inline-flex size-8 items-center justify-center rounded-md border border-line bg-surface hover:bg-raised"
      onClick={() => {
        applyTheme(next);
        setTheme(next);
      }}
    >
      <span aria-hidden="true">{FACES[theme]}</span>
    </button>
  );
}

function readTheme(): Theme {
  const chosen = document.documentElement.dataset['theme'];
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem('desk-theme', theme);
  } catch {
    // Storage can be forbidden; the choice then holds for this visit.
  }
}
