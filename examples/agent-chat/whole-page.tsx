// The chat as a whole page. `h-screen` is Tailwind's `height: 100vh`; any class that gives a height will do.

import { type Client, type ClientOptions, createClient } from '@millrace/client';
import { MillraceProvider } from '@millrace/react';
import { AgentRealtimeChat } from '@millrace/ui';
import type { ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { agents } from './agents.ts';

// In the file that your bundler begins with: import '@millrace/ui/styles.css';

export function WholePage(props: { client: Client }): ReactElement {
  return (
    <MillraceProvider client={props.client}>
      <main className="h-screen">
        <AgentRealtimeChat agents={agents} className="h-full" />
      </main>
    </MillraceProvider>
  );
}

/** `open(document.getElementById('root'))`. Returns what takes it away again. */
export function open(element: HTMLElement, options: Partial<ClientOptions> = {}): () => void {
  // The beat makes a failure known within 5 s.
  const client = createClient({ url: '/realtime', beatMs: 2_000, ...options });
  const root = createRoot(element);
  root.render(<WholePage client={client} />);
  return () => {
    root.unmount();
    void client.close();
  };
}
