// Spec A1, A2, A4: the agents' messages as a plain stream, as pages, and on demand.

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { parseCursor } from '@millrace/protocol';
import { agentMessages } from '@millrace/protocol/channels';
import { AGENTS } from '../../agents/agents.ts';
import { readAgentIds, readWhole } from '../read-query.ts';
import type { AddRoute } from '../routes.ts';
import type { Services } from '../services.ts';

const isAgent = (id: string): boolean => AGENTS.some((agent) => agent.id === id);

type Needed = Pick<Services, 'settings' | 'hub' | 'board' | 'generation' | 'log'>;

export function addChatRoutes(add: AddRoute, services: Needed): void {
  const { settings, hub, board, generation, log } = services;

  add('GET /api/chat/stream', async (c) => {
    const agentIds = readAgentIds(c, isAgent);
    const { HEARTBEAT_MS: fallback } = settings;
    // A checker need not wait half a minute; nobody may ask for a slower beat than the setting's.
    const beatMs = readWhole(c, 'beat', { least: 1_000, most: fallback, fallback });
    const { incoming, outgoing } = c.env;
    for (const [name, value] of c.res.headers) outgoing.setHeader(name, value);
    outgoing.setHeader('x-content-type-options', 'nosniff');
    log.info({ tag: 'SSE', agentIds }, 'stream connected');
    outgoing.once('close', () => log.info({ tag: 'SSE', agentIds }, 'stream closed'));
    await hub.stream(incoming, outgoing, agentMessages.of(), {
      beatMs,
      select: ({ data }) =>
        agentIds.length === 0 || agentIds.includes(data.agentId) ? data : undefined,
    });
    return RESPONSE_ALREADY_SENT;
  });

  add('GET /api/chat/messages', async (c) => {
    const agentIds = readAgentIds(c, isAgent);
    const limit = readWhole(c, 'limit', { least: 1, most: 200, fallback: 20 });
    const after = c.req.query('after');
    const cursor = after === undefined || after === '' ? null : parseCursor(after);
    c.header('Cache-Control', 'no-store');
    return c.json(await board.read({ agentIds, limit, after: cursor }));
  });

  add('POST /api/chat/generate', async (c) => {
    const answer = await generation.run(`asked by ${c.get('who').user?.id ?? 'nobody'}`);
    return c.json(answer);
  });
}
