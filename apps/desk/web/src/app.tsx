// Routes and the frame around every page.

import type { ReactElement } from 'react';
import { Link, Route, Switch } from 'wouter';
import { FloorPage } from './floor/floor-page.tsx';
import { RunsPage } from './runs/runs-page.tsx';
import { Frame } from './shell/frame.tsx';

export function App(): ReactElement {
  return (
    <Frame>
      <Switch>
        <Route path="/">
          <FloorPage />
        </Route>
        <Route path="/runs/:modelId?/:runId?">
          {({ modelId = null, runId = null }) => <RunsPage modelId={modelId} runId={runId} />}
        </Route>
        <Route>
          <NotFoundPage />
        </Route>
      </Switch>
    </Frame>
  );
}

function NotFoundPage(): ReactElement {
  return (
    <div className="m-auto flex flex-col items-center gap-2 p-8 text-center">
      <h1 className="text-lg font-semibold">There is no such page</h1>
      <p className="text-quiet">The address may be mistyped, or the page has moved.</p>
      <Link href="/" className="text-accent underline underline-offset-2">
        Go to the floor
      </Link>
    </div>
  );
}
