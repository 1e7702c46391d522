// What a component was rendered with last, for stores that outlive a render: callbacks and keys that change with each.

import { useCallback, useInsertionEffect, useRef } from 'react';

/** The returned function is always the same, and not for calling while rendering. */
export function useLatest<Value>(value: Value): () => Value {
  const held = useRef(value);
  // Before every other effect, so that a store which begins in one has it.
  useInsertionEffect(() => {
    held.current = value;
  });
  return useCallback(() => held.current, []);
}
