// Spec A1's plain SSE stream as a store: a native EventSource, which reconnects and resumes by itself.
// Refuses to own a fallback: `useRealtimeAgentMessages` has one.

import { checkSchema, toMillraceError } from '@millrace/protocol';
import { type AgentMessage, agentMessages } from '@millrace/protocol/channels';
import { parseJson } from '@millrace/protocol/wire';
import { createFrameStore, type FrameStore } from '../frame-store.ts';
import {
  addMessage,
  emptyFeed,
  type FeedRules,
  type MessagesByAgent,
} from './agent-messages-fold.ts';

export interface AgentStreamView {
  /** By agent; each list oldest first. */
  readonly messages: MessagesByAgent;
  readonly isConnected: boolean;
  /** Why no messages come; null while they can. */
  readonly error: string | null;
}

export interface AgentStreamStore extends FrameStore<AgentStreamView> {
  /** Closes the stream until the component mounts anew. What has arrived stays. */
  disconnect(): void;
}

const LOST = 'The stream is interrupted. The browser is opening it again.';
const REFUSED =
  'The stream was refused. Check the address and the agents’ ids; load the page again to retry.';

export function createAgentStreamStore(url: string, rules: FeedRules): AgentStreamStore {
  let view: AgentStreamView = {
    messages: emptyFeed(rules).messages,
    isConnected: false,
    error: null,
  };
  let close: (() => void) | null = null;
  let notify: () => void = () => undefined;

  function show(change: Partial<AgentStreamView>): void {
    view = { ...view, ...change };
    notify();
  }

  function open(): () => void {
    const source = new EventSource(streamAddress(url, rules.agentIds));
    source.addEventListener('open', () => show({ isConnected: true, error: null }));
    source.addEventListener('error', () => {
      const isOver = source.readyState === EventSource.CLOSED;
      show({ isConnected: false, error: isOver ? REFUSED : LOST });
    });
    source.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const read = readMessage(data);
      if ('error' in read) show({ error: read.error });
      else show({ messages: addMessage(view.messages, read.message, rules) });
    });
    return () => source.close();
  }

  const store = createFrameStore<AgentStreamView>({
    read: () => view,
    attach(changed) {
      notify = changed;
      close = open();
      return () => {
        close?.();
        close = null;
        view = { ...view, isConnected: false };
      };
    },
  });

  return {
    ...store,
    disconnect() {
      close?.();
      close = null;
      show({ isConnected: false, error: null });
    },
  };
}

function streamAddress(url: string, agentIds: readonly string[] | null): string {
  if (agentIds === null) return url;
  const query = new URLSearchParams({ agentId: agentIds.join(',') });
  return `${url}${url.includes('?') ? '&' : '?'}${query.toString()}`;
}

function readMessage(data: unknown): { message: AgentMessage } | { error: string } {
  try {
    const checked = checkSchema(agentMessages.events.message, parseJson(String(data)));
    if ('value' in checked) return { message: checked.value };
    return { error: `A message cannot be read (${checked.problems.join('; ')}).` };
  } catch (thrown) {
    return { error: toMillraceError(thrown).message };
  }
}
