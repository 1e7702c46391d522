// The contracts that conformance cases run on, and who may do what there. Part of the subject, so that a third party's
// server can be set up the same way.

import {
  type Contract,
  defineChannel,
  MillraceError,
  type StandardSchema,
} from '@millrace/protocol';
import type { AnyContract } from '../contract-set.ts';
import type { Authenticate, Authorize, HubOptions } from '../hub-types.ts';

export interface Note {
  readonly text: string;
}

/** The smallest schema there is: an object with a `text`. */
export const noteSchema: StandardSchema<Note> = {
  '~standard': {
    version: 1,
    vendor: 'millrace-testing',
    validate(value) {
      const text: unknown =
        typeof value === 'object' && value !== null && 'text' in value && value.text;
      return typeof text === 'string'
        ? { value: { text } }
        : { issues: [{ message: 'needs a text' }] };
    },
  },
};

type NoteEvents = { readonly note: StandardSchema<Note> };

/** Anyone reads and writes. */
export const openNotes: Contract<'id', NoteEvents, undefined> = defineChannel({
  type: 'open_notes',
  params: ['id'],
  events: { note: noteSchema },
  access: { subscribe: 'public', publish: 'public' },
});

/** Whoever has a name reads; only `writer` writes. */
export const closedNotes: Contract<'id', NoteEvents, undefined> = defineChannel({
  type: 'closed_notes',
  params: ['id'],
  events: { note: noteSchema },
  access: { subscribe: 'authorized', publish: 'authorized' },
});

/** Anyone reads, the server writes; the state is all texts in one list. */
export const listedNotes: Contract<'id', NoteEvents, readonly string[]> = defineChannel({
  type: 'listed_notes',
  params: ['id'],
  version: 2,
  events: { note: noteSchema },
  state: { initial: noTexts(), reduce: (texts, event) => [...texts, event.data.text] },
  access: { subscribe: 'public' },
});

/** As `listedNotes`, but readers get states. */
export const pacedNotes: Contract<'id', NoteEvents, readonly string[]> = defineChannel({
  type: 'paced_notes',
  params: ['id'],
  events: { note: noteSchema },
  state: { initial: noTexts(), reduce: (texts, event) => [...texts, event.data.text] },
  deliver: 'state',
  everyMs: 100,
  access: { subscribe: 'public' },
});

/** Anyone is present, with a name, and sends passing pointers. */
export const rooms: Contract<
  'id',
  NoteEvents,
  undefined,
  StandardSchema<Note>,
  { readonly pointed: StandardSchema<Note> }
> = defineChannel({
  type: 'rooms',
  params: ['id'],
  events: { note: noteSchema },
  presence: noteSchema,
  ephemeral: { pointed: noteSchema },
  access: { subscribe: 'public', presence: 'public', ephemeral: 'public' },
});

/** Whoever has a name is present, with any data; only `writer` sends passing pointers. */
export const closedRooms: Contract<
  'id',
  NoteEvents,
  undefined,
  StandardSchema,
  { readonly pointed: StandardSchema<Note> }
> = defineChannel({
  type: 'closed_rooms',
  params: ['id'],
  events: { note: noteSchema },
  ephemeral: { pointed: noteSchema },
});

function noTexts(): readonly string[] {
  return [];
}

export const testContracts: readonly AnyContract[] = [
  openNotes,
  closedNotes,
  listedNotes,
  pacedNotes,
  rooms,
  closedRooms,
];

/** `user-NAME`, `user-NAME-until-MS`; anything else is refused. */
export const testAuthenticate: Authenticate = ({ token }) => {
  if (token === null) return null;
  const match = /^user-([a-z]+)(?:-until-(\d+))?$/.exec(token);
  const id = match?.[1];
  if (id === undefined) throw new MillraceError('auth/invalid', 'The token is refused.');
  return match?.[2] === undefined ? { id } : { id, expiresAt: Number(match[2]) };
};

export const testAuthorize: Authorize = (identity, action) =>
  identity !== null &&
  ((action !== 'publish' && action !== 'ephemeral') || identity.id === 'writer');

/** What a hub under test is made with: `createHub({ ...testHubOptions, engine })`. */
export const testHubOptions: Required<
  Pick<HubOptions, 'contracts' | 'authenticate' | 'authorize'>
> = { contracts: testContracts, authenticate: testAuthenticate, authorize: testAuthorize };
