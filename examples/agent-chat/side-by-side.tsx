// The chat beside what a page has already: each cell of the grid gives the height, `h-full` takes it.
// All parts of the page share the provider's one link.

import type { Client } from '@millrace/client';
import { MillraceProvider, useConnection } from '@millrace/react';
import { AgentChat, AgentRealtimeChat } from '@millrace/ui';
import type { ReactElement } from 'react';
import { agents } from './agents.ts';

export function SideBySide(props: { client: Client }): ReactElement {
  const [first, ...others] = agents;
  return (
    <MillraceProvider client={props.client}>
      <div className="grid h-screen grid-cols-3 gap-4">
        <ExistingPanel />
        <AgentRealtimeChat agents={others} className="h-full" generateUrl={null} />
        {first !== undefined && (
          <AgentChat
            agentId={first.id}
            agentName={first.name}
            agentColor={first.color}
            className="h-full"
            generateUrl={null}
          />
        )}
      </div>
    </MillraceProvider>
  );
}

/** Something of your own that knows of the connection too. */
function ExistingPanel(): ReactElement {
  const connection = useConnection();
  return (
    <section aria-label="Portfolio" className="h-full">
      <h2>Portfolio</h2>
      <p>The link is {connection.status}.</p>
    </section>
  );
}
