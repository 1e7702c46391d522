// Asks the agents to write now (spec A2), and remembers how that went.

import { useRef, useState } from 'react';

export type Generation =
  | { readonly state: 'ready' }
  | { readonly state: 'asking' }
  | { readonly state: 'failed'; readonly error: string };

export function useGenerate(url: string): {
  readonly generation: Generation;
  generate(): void;
} {
  const [generation, setGeneration] = useState<Generation>({ state: 'ready' });
  const isAsking = useRef(false);

  async function ask(): Promise<void> {
    if (isAsking.current) return;
    isAsking.current = true;
    setGeneration({ state: 'asking' });
    const error = await failureOf(url);
    isAsking.current = false;
    setGeneration(error === null ? { state: 'ready' } : { state: 'failed', error });
  }

  return { generation, generate: () => void ask() };
}

/** Null on success. 409 is one: the agents are writing already. */
async function failureOf(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { method: 'POST' });
    if (response.ok || response.status === 409) return null;
    if (response.status === 401 || response.status === 403) {
      return 'You may not ask for messages here. Sign in as an admin, or wait for the schedule.';
    }
    return `The agents could not be asked (status ${response.status}). Try again in a moment.`;
  } catch {
    // The browser says no more than that it failed; the connection's own error stands above.
    return 'The server cannot be reached. Try again when the connection is back.';
  }
}
