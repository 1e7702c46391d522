// Starts the page: one client for the whole page, one provider, the routes.

import { MillraceProvider } from '@millrace/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createDeskClient } from './data/desk-client.ts';
import './styles.css';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');

createRoot(root).render(
  <StrictMode>
    <MillraceProvider client={createDeskClient()}>
      <App />
    </MillraceProvider>
  </StrictMode>,
);
