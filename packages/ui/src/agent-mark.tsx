// An agent's mark: its letters on its colour. Decoration beside the name, so hidden from assistive technology.

import type { ReactElement } from 'react';
import { monogram } from './agent.ts';

export function AgentMark(props: { readonly name: string }): ReactElement {
  return (
    <span className="mr-mark" aria-hidden="true">
      {monogram(props.name)}
    </span>
  );
}
