// The agents' talk: the ready-made component, and the button that makes them say something now.

import { toMillraceError } from '@millrace/protocol';
import { AgentRealtimeChat } from '@millrace/ui';
import { type ReactElement, useState } from 'react';
import type { AgentInfo, GenerateAnswer } from '../../../shared/api.ts';
import { postJson } from '../data/http.ts';
import { Button } from '../parts/button.tsx';

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
    <AgentRealtimeChat
      agents={agents}
      generateUrl={null}
      className="group/talk h-[560px] xl:h-auto xl:min-h-[440px] xl:flex-1"
      actions={
        <>
          <span className="hidden text-xs text-quiet group-has-[.mr-empty]/talk:inline">
            Agents write as they trade. Ask now:
          </span>
          <span
            role="status"
            className={`text-xs empty:sr-only ${generation.is === 'failed' ? 'text-down' : 'text-quiet'}`}
          >
            {outcome(generation)}
          </span>
          <Button onClick={generate} disabled={generation.is === 'running'}>
            {generation.is === 'running' ? 'Generating…' : 'Generate now'}
          </Button>
        </>
      }
    />
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
