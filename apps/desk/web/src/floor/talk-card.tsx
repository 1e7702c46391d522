// The agents' talk: the ready-made component, and the button that makes them say something now.

import { toMillraceError } from '@millrace/protocol';
import { AgentRealtimeChat } from '@millrace/ui';
import { type ReactElement, useState } from 'react';
import type { AgentInfo, GenerateAnswer } from '../../../shared/api.ts';
import { postJson } from '../data/http.ts';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';

type Generation =
  | { readonly is: 'idle' }
  | { readonly is: 'running' }
  | { readonly is: 'done'; readonly count: number }
  | { readonly is: 'failed'; readonly message: string };

export function TalkCard({ agents }: { readonly agents: readonly AgentInfo[] }): ReactElement {
  const [generation, setGeneration] = useState<Generation>({ is: 'idle' });
  const generate = (): void => {
    setGeneration({ is: 'running' });
    postJson<GenerateAnswer>('/api/chat/generate').then(
      (answer) => setGeneration({ is: 'done', count: answer.messagesGenerated }),
      (error: unknown) => setGeneration({ is: 'failed', message: toMillraceError(error).message }),
    );
  };
  return (
    <Card
      title="Agents"
      note="what they do and think, as they say it"
      className="min-h-[420px] flex-1"
      controls={
        <>
          <span
            role="status"
            className={generation.is === 'failed' ? 'text-xs text-down' : 'text-xs text-quiet'}
          >
            {outcome(generation)}
          </span>
          <Button onClick={generate} disabled={generation.is === 'running'}>
            {generation.is === 'running' ? 'Generating…' : 'Generate now'}
          </Button>
        </>
      }
    >
      <AgentRealtimeChat
        agents={agents}
        className="h-[460px] xl:h-auto xl:min-h-[380px] xl:flex-1"
      />
    </Card>
  );
}

function outcome(generation: Generation): string {
  switch (generation.is) {
    case 'idle':
    case 'running':
      return '';
    case 'done':
      return `${generation.count} messages written`;
    case 'failed':
      return generation.message;
  }
}
