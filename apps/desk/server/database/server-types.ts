// How the driver for servers reads values: as PARSERS says, so that it gives what the embedded one gives.

import pg from 'pg';
import { PARSERS } from './parsers.ts';

/** `text[]`, and what is read like it, since the elements are: `int8[]`, `date[]`, `numeric[]`. */
const TEXTS: number = 1009;
const READ_AS_TEXTS = new Set([1016, 1182, 1231]);

type Read = (text: string) => unknown;

export const SERVER_TYPES: pg.CustomTypesConfig = {
  getTypeParser(id, format): Read {
    const usual: unknown = pg.types.getTypeParser(READ_AS_TEXTS.has(id) ? TEXTS : id, format);
    return PARSERS[id] ?? (isRead(usual) ? usual : String);
  },
};

function isRead(value: unknown): value is Read {
  return typeof value === 'function';
}
