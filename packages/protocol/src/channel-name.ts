// Names of channels on the wire: `type` or `type:value:value`, each value percent-encoded. Rules: CHAN-1, CHAN-2.

import { MillraceError } from './errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const TYPE = /^[a-z][a-z0-9_]{0,63}$/;
const NAME = /^[a-z][a-z0-9_]{0,63}(?::[A-Za-z0-9_.~!*'()%-]+)*$/;

export function isChannelType(text: string): boolean {
  return TYPE.test(text);
}

/** Whether this can be a channel's name at all; says nothing about its existence. */
export function isChannelName(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length <= DEFAULT_LIMITS.maxChannelNameLength &&
    NAME.test(text)
  );
}

export function matchesChannelType(name: string, type: string, paramCount: number): boolean {
  const parts = name.split(':');
  return parts[0] === type && parts.length === paramCount + 1;
}

/** @throws MillraceError `channel/invalid-name` */
export function encodeChannelName(
  type: string,
  params: readonly string[],
  values: Readonly<Record<string, string>>,
): string {
  const parts = params.map((param) => {
    const value: unknown = values[param];
    if (typeof value !== 'string' || value === '') {
      throw new MillraceError(
        'channel/invalid-name',
        `The parameter "${param}" of "${type}" is missing or empty.`,
      );
    }
    return encodeValue(type, value);
  });
  const name = [type, ...parts].join(':');
  if (name.length > DEFAULT_LIMITS.maxChannelNameLength) {
    throw new MillraceError(
      'channel/invalid-name',
      `A channel's name has at most ${DEFAULT_LIMITS.maxChannelNameLength} characters; shorten the parameters of "${type}".`,
    );
  }
  return name;
}

/** The values of the parameters in a name, in order. */
export function parseChannelParams(name: string): string[] {
  return name
    .split(':')
    .slice(1)
    .map((part) => decodeURIComponent(part));
}

function encodeValue(type: string, value: string): string {
  try {
    return encodeURIComponent(value);
  } catch (cause) {
    throw new MillraceError(
      'channel/invalid-name',
      `A parameter of "${type}" holds half a character.`,
      { cause },
    );
  }
}
