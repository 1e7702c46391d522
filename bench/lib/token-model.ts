// Models that count, so many tokens a second until they are aborted: one of the AI SDK, and a generator of text.

import type { TextModel } from '@millrace/ai';
import type { LanguageModel } from 'ai';

type Model = Exclude<LanguageModel, string>;
type ModelV4 = Extract<Model, { readonly specificationVersion: 'v4' }>;
type Streamed = Awaited<ReturnType<ModelV4['doStream']>>;
type Part = Streamed['stream'] extends ReadableStream<infer One> ? One : never;

export interface TokenModelOptions {
  readonly perSecond: number;
  onToken(): void;
}

export function tokenModel({ perSecond, onToken }: TokenModelOptions): ModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: 'counting',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('it only streams')),
    doStream({ abortSignal }) {
      let timer: NodeJS.Timeout | undefined;
      const stop = (): void => clearInterval(timer);
      const stream = new ReadableStream<Part>({
        start(controller) {
          controller.enqueue({ type: 'stream-start', warnings: [] });
          controller.enqueue({ type: 'text-start', id: '0' });
          const startedAt = performance.now();
          let count = 0;
          // By when each is due: a timer alone falls behind on a full core, and fewer tokens would seem to cost less.
          timer = setInterval(() => {
            const due = ((performance.now() - startedAt) / 1_000) * perSecond;
            for (; count < Math.floor(due); count += 1) {
              onToken();
              controller.enqueue({ type: 'text-delta', id: '0', delta: ` token${count % 100}` });
            }
          }, 1_000 / perSecond);
          abortSignal?.addEventListener('abort', () => {
            stop();
            controller.error(abortSignal.reason);
          });
        },
        cancel: stop,
      });
      return Promise.resolve({ stream });
    },
  };
}

export function textModel({ perSecond, onToken }: TokenModelOptions): TextModel {
  return {
    modelId: 'counting',
    async *text(_, signal) {
      const startedAt = performance.now();
      for (let count = 1; !signal.aborted; count += 1) {
        const dueMs = startedAt + (count / perSecond) * 1_000 - performance.now();
        if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
        onToken();
        yield ` token${count % 100}`;
      }
    },
  };
}
