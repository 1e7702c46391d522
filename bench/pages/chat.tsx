// The page of one chat and nothing else: spec A's component with the hook's own client. `?streaming=no`
// makes it poll at the documented 45 s instead.
/// <reference types="vite/client" />

import { AgentRealtimeChat } from '@millrace/ui';
import '@millrace/ui/styles.css';
import { createRoot } from 'react-dom/client';

interface Agent {
  readonly id: string;
  readonly name: string;
  readonly color: string;
}

async function start(): Promise<void> {
  const response = await fetch('/api/market');
  const { agents }: { agents: readonly Agent[] } = await response.json();
  const isStreaming = new URLSearchParams(location.search).get('streaming') !== 'no';
  const root = document.querySelector('#root');
  if (root === null) throw new Error('the page has no #root');
  createRoot(root).render(<AgentRealtimeChat agents={agents} enableSSE={isStreaming} />);
}

await start();
