// The present, as one slow clock for all relative times of a component: one timer instead of one a message.

import {
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useState,
} from 'react';

const TICK_MS = 10_000;
const NowContext = createContext<number | null>(null);

export function NowProvider(props: { readonly children: ReactNode }): ReactElement {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return <NowContext.Provider value={now}>{props.children}</NowContext.Provider>;
}

/** Milliseconds since 1970, at most ten seconds old. Outside a provider: null. */
export function useNow(): number | null {
  return useContext(NowContext);
}
