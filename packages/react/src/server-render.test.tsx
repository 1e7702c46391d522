// @vitest-environment node

import { createClient } from '@millrace/client';
import { createFakeLink } from '@millrace/client/testing';
import { agentMessages } from '@millrace/protocol/channels';
import type { ReactElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { useAgentChatStream, useRealtimeAgentMessages } from './chat/index.ts';
import { MillraceProvider, useChannel, useConnection, usePresence } from './index.ts';

function Channel(): ReactElement {
  const { isLoading, events } = useChannel(agentMessages.of());
  const { status } = useConnection();
  const presence = usePresence(agentMessages.of());
  return <p>{`${isLoading} ${events.length} ${status} ${presence.status}`}</p>;
}

function Messages(): ReactElement {
  const { isLoading, status, messages } = useRealtimeAgentMessages({ agentIds: ['ada'] });
  const { isConnected } = useAgentChatStream({ agentIds: ['ada'] });
  return <p>{`${isLoading} ${status} ${messages['ada']?.length} ${isConnected}`}</p>;
}

describe('rendering on a server, where there is no window', () => {
  it('shows loading and opens nothing', () => {
    expect(globalThis).not.toHaveProperty('window');
    const link = createFakeLink();
    const client = createClient(link.options);
    const page = renderToString(
      <MillraceProvider client={client}>
        <Channel />
      </MillraceProvider>,
    );
    expect(page).toBe('<p>true 0 idle loading</p>');
    expect(client.status.getSnapshot().status).toBe('idle');
    expect(link.sent).toEqual([]);
  });

  it('makes no client for hooks that stand alone', () => {
    expect(renderToString(<Messages />)).toBe('<p>true connecting 0 false</p>');
  });
});
