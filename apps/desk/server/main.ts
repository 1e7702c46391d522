// `npm start`: reads the settings, starts Desk, says where it is, and closes it cleanly on SIGTERM or SIGINT.
// A failure to start is one plain sentence and exit code 1, never a stack.

import { MillraceError } from '@millrace/protocol';
import { createDesk, type Desk } from './desk.ts';
import { createLog } from './log.ts';
import { readSettings } from './settings/read.ts';

/** Links are told to come back spread over this; then everything has closed within CLOSED_WITHIN_MS or is cut off. */
const GRACE_MS = 500;
const CLOSED_WITHIN_MS = 8_000;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const log = createLog({ level: settings.LOG_LEVEL, target: settings.LOG });
  let desk: Desk | null = null;
  const starting = createDesk({
    settings,
    log,
    onFatal(error) {
      fail(error);
      log.flush();
      // Nothing can be kept any more; what was accepted is kept already. A supervisor starts it anew.
      process.exit(1);
    },
  });

  const stop = (signal: NodeJS.Signals): void => {
    process.off('SIGTERM', stop).off('SIGINT', stop);
    log.info({ signal }, 'closing');
    const cutOff = setTimeout(() => {
      log.error({ withinMs: CLOSED_WITHIN_MS }, 'closing took too long and was cut off');
      process.exit(1);
    }, CLOSED_WITHIN_MS);
    const close = async (): Promise<void> => {
      await (desk ?? (await starting)).close({ graceMs: GRACE_MS });
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

  desk = await starting;
  console.log(`Desk is open at ${desk.address} (Ctrl+C closes it)`);
}

function fail(error: unknown): void {
  const what = error instanceof Error ? error.message : String(error);
  console.error(error instanceof MillraceError ? what : `Desk failed: ${what}`);
  process.exitCode = 1;
}

main().catch(fail);
