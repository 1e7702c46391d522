// The command line of Desk: `--nodes N`, and nothing else.

import { parseArgs } from 'node:util';
import { MillraceError } from '@millrace/protocol';

const MAX_NODES = 16;

export interface MainOptions {
  /** Null: one process, on whatever the settings say. */
  readonly nodes: number | null;
}

/** @throws MillraceError `settings/invalid` */
export function readOptions(args: readonly string[]): MainOptions {
  const text = readNodes(args);
  if (text === undefined) return { nodes: null };
  const nodes = Number(text);
  if (/^\d+$/.test(text) && nodes >= 1 && nodes <= MAX_NODES) return { nodes };
  throw usage(`--nodes is "${text}"`);
}

function readNodes(args: readonly string[]): string | undefined {
  try {
    return parseArgs({ args: [...args], options: { nodes: { type: 'string' } } }).values.nodes;
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
}

function usage(problem: string): MillraceError {
  return new MillraceError(
    'settings/invalid',
    `${problem}. Usage: npm start [-- --nodes N], N from 1 to ${MAX_NODES}.`,
  );
}
