// Connections that are being handed to a node when it dies. Node's cluster closes its copy of one when the node says that
// it has it; of one whose node dies first it forgets to, and the peer would wait for ever. Closed here, so that it comes
// again. Refuses to own: to whom a connection is handed.

import type { Worker } from 'node:cluster';
import * as z from 'zod';

interface Handle {
  /** Of one that is closed already nothing comes. */
  close(): void;
}

/** What the cluster's first process and a worker say to each other about a connection. */
const handing = z.object({
  cmd: z.literal('NODE_CLUSTER'),
  act: z.literal('newconn'),
  seq: z.number(),
});
const answer = z.object({ cmd: z.literal('NODE_CLUSTER'), ack: z.number() });

export function closeWhatDiesWith(worker: Worker): void {
  const underWay = new Map<number, Handle>();
  const node = worker.process;
  const send = node.send.bind(node);
  Object.assign(node, {
    send(...args: Parameters<typeof send>): boolean {
      const [message, handle] = args;
      const handed = handing.safeParse(message);
      if (handed.success && isHandle(handle)) underWay.set(handed.data.seq, handle);
      return send(...args);
    },
  });
  node.on('internalMessage', (message: unknown) => {
    const answered = answer.safeParse(message);
    if (answered.success) underWay.delete(answered.data.ack);
  });
  node.once('exit', () => {
    for (const handle of underWay.values()) handle.close();
    underWay.clear();
  });
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' &&
    value !== null &&
    'close' in value &&
    typeof value.close === 'function'
  );
}
