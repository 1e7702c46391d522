// One value per set of keys for as long as a component lives: what `useMemo` doesn't promise.
// A replaced value is handed to its successor, which may take over what it has gathered.

import { useState } from 'react';

/** `create` runs on the first render and whenever one of `keys` has changed. It must start nothing by itself. */
export function useKeyedStore<Store>(
  keys: readonly unknown[],
  create: (previous: Store | null) => Store,
): Store {
  const [held, setHeld] = useState(() => ({ keys, store: create(null) }));
  if (held.keys.length === keys.length && held.keys.every((key, at) => Object.is(key, keys[at]))) {
    return held.store;
  }
  // Setting state while rendering makes React render again at once, before any effect.
  const next = { keys, store: create(held.store) };
  setHeld(next);
  return next.store;
}
