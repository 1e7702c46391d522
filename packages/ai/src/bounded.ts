// What is too large for an event is left out of it, and said to be: the model and the store of calls have it whole. Texts
// need no such thing, they leave in pieces (window.ts). Rules: RUN-12.

import type { Json, RunWrite } from '@millrace/protocol/runs';
import { MAX_ERROR_LENGTH, MAX_NAME_LENGTH, MAX_NOTE_BYTES, MAX_VALUE_BYTES } from './limits.ts';

/** In place of a value that is too large. */
export interface Omitted {
  readonly omitted: 'too large';
  readonly bytes: number;
}

export function bounded(event: RunWrite): RunWrite {
  switch (event.type) {
    case 'tool-call': {
      const { name, input, provider } = event.data;
      const kept = { name: boundedName(name), input: boundedJson(input) };
      const data = { ...event.data, ...kept, provider: boundedNote(provider) };
      const isSame = data.name === name && data.input === input && data.provider === provider;
      return isSame ? event : { ...event, data };
    }
    case 'tool-start': {
      const name = boundedName(event.data.name);
      return name === event.data.name ? event : { ...event, data: { ...event.data, name } };
    }
    case 'tool-output':
    case 'tool-result': {
      const output = boundedJson(event.data.output);
      return output === event.data.output ? event : { ...event, data: { ...event.data, output } };
    }
    case 'data': {
      const value = boundedJson(event.data.value);
      return value === event.data.value ? event : { ...event, data: { ...event.data, value } };
    }
    case 'file': {
      const { part, url } = event.data;
      const mediaType = boundedType(event.data.mediaType);
      const bytes = bytesOf(url);
      if (bytes <= MAX_VALUE_BYTES) return { ...event, data: { part, url, mediaType } };
      const value = { omitted: 'too large', bytes, mediaType } as const;
      return { type: 'data', data: { part, name: 'file', id: '', value } };
    }
    case 'text-end':
    case 'reasoning-end': {
      const provider = boundedNote(event.data.provider);
      return provider === event.data.provider
        ? event
        : { ...event, data: { ...event.data, provider } };
    }
    case 'tool-error': {
      const { name, error } = event.data;
      const data = {
        ...event.data,
        name: boundedName(name),
        error: clipped(error, MAX_ERROR_LENGTH),
      };
      return data.name === name && data.error === error ? event : { ...event, data };
    }
    case 'source': {
      const { id, url, title, mediaType } = event.data;
      const data = {
        ...event.data,
        id: clipped(id, MAX_NAME_LENGTH) || 'source',
        // Half an address leads somewhere else.
        url: url === null || url === '' || url.length > 4_000 ? null : url,
        title: title === null ? null : clipped(title, 1_000),
        mediaType: mediaType === null ? null : boundedType(mediaType),
      };
      return { ...event, data };
    }
    default:
      return event;
  }
}

/** Of a tool: a model may call one that there never was. */
function boundedName(name: string): string {
  return clipped(name, MAX_NAME_LENGTH) || 'unnamed';
}

/** Half a type is another one. */
function boundedType(mediaType: string): string {
  const fits = mediaType !== '' && mediaType.length <= MAX_NAME_LENGTH;
  return fits ? mediaType : 'application/octet-stream';
}

/** Never ends in half a character. */
export function clipped(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).toWellFormed();
}

/** A provider can't take half of what it wanted back. */
function boundedNote(note: Json): Json {
  return bytesOf(JSON.stringify(note)) <= MAX_NOTE_BYTES ? note : null;
}

export function isOmitted(value: Json): boolean {
  return typeof value === 'object' && value !== null && 'omitted' in value;
}

export function boundedJson(value: Json): Json {
  const bytes = bytesOf(JSON.stringify(value));
  if (bytes <= MAX_VALUE_BYTES) return value;
  return { omitted: 'too large', bytes } satisfies Omitted;
}

const encoder = new TextEncoder();

/** Its length where that alone says that it has no more than `most`. */
export function bytesOf(text: string, most: number = MAX_VALUE_BYTES): number {
  // Three bytes a character at most: a short text need not be measured.
  return text.length * 3 <= most ? text.length : encoder.encode(text).byteLength;
}
