// `npm start`: reads the settings, starts Desk, says where it is, and closes it cleanly on SIGTERM or SIGINT.
// With `--nodes N` it starts N of them and what they share (nodes/supervisor.ts); each is this same program.
// A failure to start is one plain sentence and exit code 1, never a stack.

import cluster from 'node:cluster';
import { MillraceError } from '@millrace/protocol';
import { createDesk } from './desk.ts';
import { createLog, type Log } from './log.ts';
import { readOptions } from './main-options.ts';
import { startSupervisor } from './nodes/supervisor.ts';
import { readSettings, type Settings } from './settings/read.ts';

/** Links are told to come back spread over this; then everything has closed within the limit or is cut off. */
const GRACE_MS = 500;
const CLOSED_WITHIN_MS = 8_000;
/** Nodes close as above, then what they share. */
const ALL_CLOSED_WITHIN_MS = 25_000;

interface Opened {
  readonly address: string | Promise<string>;
  close(): Promise<void>;
}

interface Start {
  readonly settings: Settings;
  readonly log: Log;
  onFatal(error: Error): void;
}

async function main(): Promise<void> {
  const { nodes } = readOptions(process.argv.slice(2));
  const node = cluster.isWorker ? Number(process.env['NODE_NUMBER']) : null;
  const settings = readSettings(process.env);
  const log = createLog({ level: settings.LOG_LEVEL, target: settings.LOG, node });
  const isSupervisor = nodes !== null && node === null;

  const leave = (exitCode: number): void => {
    log.flush();
    // Left to itself the process would wait for what libraries leave behind.
    process.exit(exitCode);
  };
  const onFatal = (error: Error): void => {
    fail(error);
    // The nodes and what else they share end in order. One Desk alone can keep nothing any more, and what was accepted
    // is kept already. Whoever supervises this process starts it anew.
    if (isSupervisor) end(1);
    else leave(1);
  };
  const start: Start = { settings, log, onFatal };
  const starting = isSupervisor ? startSupervisor({ ...start, nodes }) : startDesk(start, node);

  let isEnding = false;
  const end = (exitCode: number): void => {
    if (isEnding) return;
    isEnding = true;
    const withinMs = isSupervisor ? ALL_CLOSED_WITHIN_MS : CLOSED_WITHIN_MS;
    setTimeout(() => {
      log.error({ withinMs }, 'closing took too long and was cut off');
      leave(1);
    }, withinMs);
    const close = async (): Promise<void> => {
      await (await starting).close();
      log.info({}, 'closed');
      leave(exitCode);
    };
    close().catch((error: unknown) => {
      fail(error);
      leave(1);
    });
  };
  const stop = (signal: NodeJS.Signals): void => {
    // A second one ends it at once.
    process.off('SIGTERM', stop).off('SIGINT', stop);
    log.info({ signal }, 'closing');
    end(0);
  };
  process.on('SIGTERM', stop);
  // A terminal's Ctrl+C reaches nodes as well, which wait for their supervisor's word.
  if (node === null) process.on('SIGINT', stop);
  else process.on('SIGINT', () => undefined);
  process.on('unhandledRejection', (err) => {
    log.error({ err }, 'a promise failed and nobody looked');
  });

  const opened = await starting;
  try {
    const address = await opened.address;
    if (node !== null) process.send?.({ address });
    else console.log(`Desk is open at ${describe(address, nodes)} (Ctrl+C closes it)`);
  } catch (error) {
    fail(error);
    end(1);
  }
}

async function startDesk(start: Start, node: number | null): Promise<Opened> {
  const desk = await createDesk({ ...start, node });
  return { address: desk.address, close: () => desk.close({ graceMs: GRACE_MS }) };
}

function describe(address: string, nodes: number | null): string {
  if (nodes === null) return address;
  return `${address} on ${nodes === 1 ? 'one node' : `${nodes} nodes`}`;
}

function fail(error: unknown): void {
  const what = error instanceof Error ? error.message : String(error);
  console.error(error instanceof MillraceError ? what : `Desk failed: ${what}`);
  process.exitCode = 1;
}

main().catch((error: unknown) => {
  fail(error);
  // A node would wait for its supervisor's next word.
  process.exit();
});
