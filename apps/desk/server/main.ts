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
  const isSupervisor = nodes !== null && cluster.isPrimary;
  const settings = readSettings(process.env);
  const log = createLog({ level: settings.LOG_LEVEL, target: settings.LOG });
  const start: Start = {
    settings,
    log,
    onFatal(error) {
      fail(error);
      log.flush();
      // Nothing can be kept any more; what was accepted is kept already. A supervisor starts it anew.
      process.exit(1);
    },
  };
  const starting = isSupervisor ? startSupervisor({ ...start, nodes }) : startDesk(start);

  const stop = (signal: NodeJS.Signals): void => {
    process.off('SIGTERM', stop).off('SIGINT', stop);
    log.info({ signal }, 'closing');
    const withinMs = isSupervisor ? ALL_CLOSED_WITHIN_MS : CLOSED_WITHIN_MS;
    const cutOff = setTimeout(() => {
      log.error({ withinMs }, 'closing took too long and was cut off');
      process.exit(1);
    }, withinMs);
    const close = async (): Promise<void> => {
      await (await starting).close();
      clearTimeout(cutOff);
      log.info({}, 'closed');
      log.flush();
      // Left to itself the process would wait for what libraries leave behind.
      process.exit(0);
    };
    close().catch((error: unknown) => fail(error));
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  process.on('unhandledRejection', (err) => {
    log.error({ err }, 'a promise failed and nobody looked');
  });

  const address = await (await starting).address;
  if (cluster.isWorker) process.send?.({ address });
  else {
    const where = nodes === null ? address : `${address} on ${nodes} nodes`;
    console.log(`Desk is open at ${where} (Ctrl+C closes it)`);
  }
}

async function startDesk(start: Start): Promise<Opened> {
  const desk = await createDesk(start);
  return { address: desk.address, close: () => desk.close({ graceMs: GRACE_MS }) };
}

function fail(error: unknown): void {
  const what = error instanceof Error ? error.message : String(error);
  console.error(error instanceof MillraceError ? what : `Desk failed: ${what}`);
  process.exitCode = 1;
}

main().catch(fail);
