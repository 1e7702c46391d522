// A model behind HTTP, in the format of chat completions, that writes into each token when it was written: by
// `performance.now()` of this process, where its readers must be too.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StampingModel extends AsyncDisposable {
  /** As a provider's base URL. */
  readonly url: string;
}

const FIRST_AFTER_MS = 300;

export async function startStampingModel(options: {
  readonly perSecond: number;
  /** Of each answer. */
  readonly tokens: number;
}): Promise<StampingModel> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const say = (delta: object, finish: string | null = null): void => {
      const choices = [{ index: 0, delta, finish_reason: finish }];
      const chunk = { id: 'c', object: 'chat.completion.chunk', created: 0, model: 'stamped' };
      response.write(`data: ${JSON.stringify({ ...chunk, choices })}\n\n`);
    };
    say({ role: 'assistant' });
    let count = 0;
    let timer: NodeJS.Timeout | undefined;
    function begin(): void {
      timer = setInterval(next, 1_000 / options.perSecond);
    }
    // As a model does: whoever asked is reading by the time of the first token.
    const thinking = setTimeout(begin, FIRST_AFTER_MS);
    function next(): void {
      count += 1;
      say({ content: `${performance.now().toFixed(3)} ` });
      if (count < options.tokens) return;
      clearInterval(timer);
      say({}, 'stop');
      response.end('data: [DONE]\n\n');
    }
    response.on('close', () => {
      clearTimeout(thinking);
      clearInterval(timer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
