// The one live region of a chat: how it is connected, what is wrong, and now and then how much has come.

import type { ReactElement } from 'react';

export function StatusLine(props: {
  readonly connection: string;
  readonly error: string | null;
  readonly summary: string;
}): ReactElement {
  const { connection, error, summary } = props;
  const parts = [`${connection}.`, error, summary].filter((part) => part !== null && part !== '');
  return (
    <p className="mr-hidden" role="status">
      {parts.join(' ')}
    </p>
  );
}
