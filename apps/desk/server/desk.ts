// Desk as one value: everything it is made of, put together, started in order and closed in reverse.
//
//   database → engine → hub → Floor (market, talk) → schedule → AI runs → socket      close: the other way round
//
// Of several nodes on one database, the Floor's market and the schedule are on the one that holds their lease.
//
// Refuses to own: reading settings, printing, signals (main.ts). Tests and benches start one in their own process.

import { join } from 'node:path';
import type { MillraceError } from '@millrace/protocol';
import { aiRuns, conversations } from '@millrace/protocol/runs';
import { createHub, type Hub, type LinkNews } from '@millrace/server';
import {
  agentActivity,
  agentEquity,
  agentMessages,
  marketTicks,
  runFigures,
} from '../shared/channels.ts';
import { builtInPhrasing } from './chat/built-in-phrasing.ts';
import { createGeneration } from './chat/generation.ts';
import { createMessageBoard } from './chat/message-board.ts';
import type { Phrasing } from './chat/phrasing.ts';
import { createClosers } from './closers.ts';
import { FLOOR_LEASE } from './database/market-commands.ts';
import { openStorage } from './database-storage.ts';
import { startFloor } from './floor/floor.ts';
import { createApp } from './http/app.ts';
import { createChatSockets } from './http/chat-socket.ts';
import { listen, type NodeServer, requireFreePort } from './http/node-server.ts';
import type { Services } from './http/services.ts';
import { hubIdentity, mayRead, type ReadRules } from './identity/hub-identity.ts';
import { createRunReaders } from './identity/run-readers.ts';
import { keepSessionSecret } from './identity/session-secret.ts';
import { createTokens, type Tokens } from './identity/tokens.ts';
import { type Log, SILENT_LOG } from './log.ts';
import { type OpenedEngine, openEngine } from './open-engine.ts';
import type { Analyst } from './run-chat/analyst.ts';
import { builtInAnalyst } from './run-chat/built-in-analyst.ts';
import { type StartedChat, startChat } from './run-chat/start-chat.ts';
import { startSchedule } from './schedule/schedule.ts';
import { openServerStorage } from './server-storage.ts';
import type { Settings } from './settings/read.ts';
import { createTrust } from './settings/trusted-proxies.ts';
import type { Storage } from './storage.ts';

export interface DeskOptions {
  readonly settings: Settings;
  /** Default: says nothing. */
  readonly log?: Log;
  /** Writes in a generation. Default: the built-in phrasing. */
  readonly phrasing?: Phrasing;
  /** Its number among the nodes of a supervisor (nodes/supervisor.ts), which has looked at the port. Default: null, alone. */
  readonly node?: number | null;
  /** Something without which Desk cannot go on has stopped by itself: whoever started it should close it. */
  readonly onFatal?: (error: MillraceError) => void;
  /** What answers where no model's AI is set, and the tools of all. Default: the built-in one. */
  readonly analyst?: Analyst;
  /** Folder of the built page. Default: where `npm start` builds it. */
  readonly pageFolder?: string;
}

export interface Desk {
  /** `http://127.0.0.1:3000` */
  readonly address: string;
  readonly hub: Hub;
  /** Closes everything, in order, within about `graceMs` (default 0: links are told to come back at once). Idempotent. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Who runs the schedule. */
const SCHEDULE_LEASE = 'schedule';
const PAGE_FOLDER = join(import.meta.dirname, '..', 'web', 'dist');

/**
 * Starts a Desk.
 * @throws MillraceError `settings/port-busy`, `settings/data-locked`; what was opened until then is closed again
 */
export async function createDesk(options: DeskOptions): Promise<Desk> {
  const { settings, log = SILENT_LOG, node = null } = options;
  const opened = createClosers(log);
  try {
    // A node's socket is the supervisor's: looking for it there would take connections that nobody answers.
    if (node === null) await requireFreePort(settings);
    const storage = await openFrom(settings, log, options.onFatal);
    opened.add('database', () => storage.close());

    const channels = await openEngine({
      redisUrl: settings.REDIS_URL,
      storage,
      onError: (err) => log.error({ tag: 'real-time', err }, 'engine has trouble'),
    });
    opened.add('engine', () => channels.close());
    log.info({ tag: 'real-time', ...channels.engine.capabilities }, 'engine started');

    const secret = settings.SESSION_SECRET || (await keepSessionSecret(settings.DATA_DIR));
    const tokens = createTokens(secret);
    const isTrusted = createTrust(settings.TRUST_PROXY);
    let chat: StartedChat | null = null;
    const hub = startHub({
      ...{ settings, log, channels, tokens, storage },
      // Nobody reads a chat before there are any.
      mayReadChat: async (userId, channel) =>
        chat !== null && (await chat.services.runChat.mayRead(userId, channel)),
    });
    let server: NodeServer | null = null;
    // Together: the socket waits for streams that only the hub can end.
    opened.add('hub and socket', (graceMs) =>
      Promise.all([hub.close({ graceMs }), server?.close({ graceMs: graceMs + 1_000 })]),
    );

    const builtIn = builtInPhrasing(settings.MARKET_SEED);
    const board = createMessageBoard({ hub, inTransaction: storage.inMessageTransaction });
    const floor = await startFloor({
      ...{ hub, board, settings, log },
      store: storage.market,
      lease: (holding) => storage.lease(FLOOR_LEASE, holding),
      phrasing: builtIn,
    });
    opened.add('floor', () => floor.close());

    const generation = createGeneration({
      ...{ board, log },
      phrasing: options.phrasing ?? builtIn,
      fallback: builtIn,
      brief: (count) => floor.brief(count),
      messagesPerAgent: settings.GENERATE_MESSAGES_PER_AGENT,
      timeoutMs: settings.GENERATE_TIMEOUT_MS,
      readers: () => hub.stats().subscriptions,
    });
    opened.add('generation', () => generation.settled());
    if (settings.isProduction && settings.CRON_SECRET === '') {
      log.warn({}, 'CRON_SECRET is not set: POST /api/chat/generate answers administrators only');
    }

    const started = await startChat({
      ...{ settings, log, hub, database: storage.sql },
      analyst: options.analyst ?? builtInAnalyst(storage.sql),
    });
    chat = started;
    // Before the hub: what is under way here goes on elsewhere, and readers see it go on.
    opened.add('AI runs', () => started.close());

    const schedule = await storage.lease(SCHEDULE_LEASE, {
      async hold() {
        const begun = await startSchedule({
          ...{ database: storage.sql, isShared: storage.isShared, log },
          cron: settings.GENERATE_CRON,
          run: () => generation.run('schedule'),
        });
        return () => begun.close();
      },
      onError: (err) => log.error({ err }, 'the lease of the schedule failed'),
    });
    opened.add('schedule', () => schedule.release());

    const services: Services = {
      ...{ settings, log, node, hub, tokens, board, generation, floor, isTrusted },
      users: storage.users,
      sql: storage.sql,
      ...started.services,
      health: {
        database: async () => {
          await storage.sql.query('select 1', []);
          return null;
        },
        realtime: async () => {
          await hub.history(marketTicks.of(), { last: 1 });
          return null;
        },
        market: () => floor.problem(),
      },
      pageFolder: options.pageFolder ?? PAGE_FOLDER,
    };
    server = await listen({
      port: settings.PORT,
      host: settings.HOST,
      hub,
      gate: {
        isProduction: settings.isProduction,
        host: settings.HOST,
        origins: settings.ORIGINS,
        isTrusted,
      },
      chatSockets: createChatSockets(services),
      fetch: createApp(services).fetch,
      onError: (err) => log.error({ err }, 'request failed'),
    });
    const { address } = server;
    log.info({ address }, 'listening');
    return { address, hub, close: (how) => opened.close(how?.graceMs ?? 0) };
  } catch (error) {
    await opened.close(0);
    throw error;
  }
}

/** A server where DATABASE_URL gives one, else what is embedded in the data folder. */
async function openFrom(
  settings: Settings,
  log: Log,
  onFatal: DeskOptions['onFatal'],
): Promise<Storage> {
  if (settings.DATABASE_URL !== '') {
    const storage = await openServerStorage(settings.DATABASE_URL, {
      onError: (err) => log.error({ err }, 'database has trouble'),
    });
    log.info({ kind: 'server' }, 'database opened');
    return storage;
  }
  const storage = await openStorage(settings.DATA_DIR, {
    onDeath: (err) => {
      log.error({ err }, 'database stopped');
      onFatal?.(err);
    },
  });
  log.info({ kind: 'embedded', folder: settings.DATA_DIR }, 'database opened');
  return storage;
}

function startHub(parts: {
  readonly settings: Settings;
  readonly log: Log;
  readonly channels: OpenedEngine;
  readonly tokens: Tokens;
  readonly storage: Storage;
  readonly mayReadChat: ReadRules['mayReadChat'];
}): Hub {
  const { settings, log, channels, tokens, mayReadChat } = parts;
  const readers = createRunReaders(parts.storage.sql);
  const hub = createHub({
    contracts: [
      ...[agentMessages, marketTicks, agentEquity, agentActivity, runFigures],
      ...[aiRuns, conversations],
    ],
    engine: channels.engine,
    ...channels.outbox,
    authenticate: (request) => hubIdentity(request, { tokens, ...settings }),
    authorize: (identity, action, channel) =>
      channel.type === runFigures.type
        ? readers.mayRead(identity, action, channel)
        : mayRead(identity, action, channel, { mayReadChat }),
    origins: settings.ORIGINS,
    // Where nobody signs in, everybody is the developer: one identity must not run out of links before its address.
    ...(settings.hasDevSignIn ? { limits: { maxLinksPerIdentity: 1_000 } } : {}),
    onError: (err) => log.error({ tag: 'real-time', err }, 'real-time part failed'),
    onLink: (news) => logLink(log, news),
  });
  log.info({ tag: 'real-time' }, 'channel manager started');
  log.info({ tag: 'WebSocket', path: '/realtime/ws' }, 'WebSocket ready');
  log.info(
    { tag: 'SSE', paths: ['/realtime/sse', '/realtime/events', '/api/chat/stream'] },
    'SSE ready',
  );
  log.info({ tag: 'real-time', path: '/realtime/poll' }, 'long-poll ready');
  return hub;
}

const TAGS: Readonly<Record<string, string>> = { websocket: 'WebSocket', sse: 'SSE' };

function logLink(log: Log, { step, transport, identityId: userId, reason }: LinkNews): void {
  // The chat's route tells of its own streams, with their agents.
  if (transport === 'plain') return;
  const why = reason === null ? {} : { code: reason.code };
  const facts = { tag: TAGS[transport] ?? 'real-time', transport, userId, ...why };
  // Each long-poll is a link: at the usual level a single page would fill the log.
  log[transport === 'poll' ? 'debug' : 'info'](facts, `link ${step}`);
}
