// What a conformance case of a carrier is, and the channel that most of them use.

import type { Channel } from '@millrace/protocol';
import { type Note, openNotes } from '../test-channels.ts';
import type { TransportSubject } from '../transport-subject.ts';

export interface TransportCase {
  readonly rule: string;
  readonly title: string;
  /** `frames`: the link takes frames after `connect`. */
  readonly needs?: 'frames';
  run(subject: TransportSubject): Promise<void>;
}

export const notes: Channel<typeof openNotes.events, undefined> = openNotes.of({ id: '1' });

/** The name of `notes`. */
export const name: string = notes.name;

export function note(text: string): { readonly type: 'note'; readonly data: Note } {
  return { type: 'note', data: { text } };
}
