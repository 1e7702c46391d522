// What the main thread and the database's thread say to each other. Types only.
//
//   main → worker   requests, answered in any order; those on one transaction are run in the order of sending
//   worker → main   'open' once, then one answer a request, and notifications
//
// The worker is started with its folder. The id of a transaction is the id of the request that began it. Everything crosses as a structured clone.

import type { SqlRow } from '@millrace/server/postgres';
import type { DriverErrorFields } from './driver-error.ts';

export type WorkerWork =
  /** `tx` null: on the outer handle. Without `params` the text may hold several statements. */
  | {
      readonly kind: 'query';
      readonly tx: number | null;
      readonly sql: string;
      readonly params?: readonly unknown[];
    }
  | { readonly kind: 'begin' }
  | { readonly kind: 'commit'; readonly tx: number }
  | { readonly kind: 'rollback'; readonly tx: number }
  /** Notifications carry the id of this request. */
  | { readonly kind: 'listen'; readonly channel: string }
  | { readonly kind: 'unlisten'; readonly listener: number }
  | { readonly kind: 'close' };

export type WorkerRequest = WorkerWork & { readonly id: number };

export type WorkerMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'done'; readonly id: number; readonly rows: readonly SqlRow[] }
  | { readonly kind: 'failed'; readonly id: number; readonly error: DriverErrorFields }
  | { readonly kind: 'notified'; readonly listener: number; readonly payload: string };
