// A real Desk for tests and benches: its own folder and port, closed and removed with `await using`.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDesk, type Desk, type DeskOptions } from '../desk.ts';
import { type Environment, readSettings } from '../settings/read.ts';
import { fillDataFolder } from './data-template.ts';

export interface TestDesk extends Desk {
  readonly folder: string;
  /** Closes it and starts another on the same folder. */
  restart(environment?: Environment): Promise<void>;
  get(path: string, init?: RequestInit): Promise<Response>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestDeskOptions extends Omit<DeskOptions, 'settings'> {
  /** Over: a free port, a folder of its own, agents that are silent unless asked. */
  readonly environment?: Environment;
}

export async function startTestDesk(options: TestDeskOptions = {}): Promise<TestDesk> {
  const folder = await mkdtemp(join(tmpdir(), 'desk-test-'));
  await fillDataFolder(folder);
  const start = (environment: Environment = {}): Promise<Desk> =>
    createDesk({
      ...options,
      settings: readSettings({
        NODE_ENV: 'test',
        PORT: '0',
        DATA_DIR: folder,
        CHAT_EVERY_MS: '0',
        MARKET_TICK_MS: '50',
        MARKET_WARM_UP_TICKS: '0',
        ...options.environment,
        ...environment,
      }),
    });
  let desk = await start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    folder,
    get address() {
      return desk.address;
    },
    get hub() {
      return desk.hub;
    },
    close: (how) => desk.close(how),
    async restart(environment) {
      await desk.close();
      desk = await start(environment);
    },
    get: (path, init) => fetch(`${desk.address}${path}`, init),
    async [Symbol.asyncDispose]() {
      await desk.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
