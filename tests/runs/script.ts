// What the model of these tests says, and the places where whoever makes it can be held: before each part of its two
// steps, in the tool before and after its effect, and in the transaction that ends the run. Needs no network.

import { jsonSchema, type ToolSet, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';

type StreamResult = Awaited<ReturnType<MockLanguageModelV4['doStream']>>;
type Said = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never;
type Prompt = Parameters<MockLanguageModelV4['doStream']>[0]['prompt'];

const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 5, text: 5, reasoning: undefined },
};

const asking: readonly Said[] = [
  { type: 'reasoning-start', id: '0' },
  { type: 'reasoning-delta', id: '0', delta: 'I have to ' },
  { type: 'reasoning-delta', id: '0', delta: 'count.' },
  { type: 'reasoning-end', id: '0' },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'Counting ' },
  { type: 'text-delta', id: '1', delta: 'trades. ' },
  { type: 'text-end', id: '1' },
  { type: 'tool-input-start', id: 'count', toolName: 'count' },
  { type: 'tool-input-delta', id: 'count', delta: '{"what":' },
  { type: 'tool-input-delta', id: 'count', delta: '"trades"}' },
  { type: 'tool-input-end', id: 'count' },
  { type: 'tool-call', toolCallId: 'count', toolName: 'count', input: '{"what":"trades"}' },
  { type: 'finish', finishReason: { unified: 'tool-calls', raw: 'tool_calls' }, usage },
];

function answering(prompt: Prompt): readonly Said[] {
  return [
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: 'It made ' },
    { type: 'text-delta', id: '1', delta: `${countIn(prompt)} trades` },
    { type: 'text-delta', id: '1', delta: ', 😀.' },
    { type: 'text-end', id: '1' },
    { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage },
  ];
}

/** What the tool answered. */
function countIn(prompt: Prompt): string {
  const last = prompt.at(-1);
  if (last?.role !== 'tool') return 'unasked';
  const [result] = last.content;
  if (result?.type !== 'tool-result' || result.output.type !== 'json') return 'unknown';
  return JSON.stringify(result.output.value);
}

const IN_TOOL = asking.length;
const STEP_TWO = IN_TOOL + 2;
const AT_END = STEP_TWO + answering([]).length;
/** So many places to be held at, from 0 on. */
export const PLACES: number = AT_END + 1;

/** Resolves where nobody is held. */
export type Hold = (place: number) => Promise<void>;

export interface Scripted {
  readonly model: MockLanguageModelV4;
  readonly tools: ToolSet;
  /** In the transaction that ends the run. */
  ending(): Promise<void>;
}

export interface World {
  /** What the tool does to it, under its idempotency key; resolves with what it found. */
  effect(key: string): Promise<number>;
  /** Somebody asks the model, and will be asked to pay. */
  onAsked(): Promise<void>;
}

export function scripted(hold: Hold, { effect, onAsked }: World): Scripted {
  const model = new MockLanguageModelV4({
    async doStream({ prompt, abortSignal }) {
      await onAsked();
      const isFirst = prompt.at(-1)?.role === 'user';
      const says = isFirst ? asking : answering(prompt);
      const from = isFirst ? 0 : STEP_TWO;
      const stream = new ReadableStream<Said>({
        async start(controller) {
          abortSignal?.addEventListener('abort', () => controller.error(abortSignal.reason));
          for (const [index, part] of says.entries()) {
            await hold(from + index);
            if (abortSignal?.aborted === true) return;
            controller.enqueue(part);
            // A token at a time, so that windows hold few of them.
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          controller.close();
        },
      });
      return { stream };
    },
  });
  const count = tool({
    inputSchema: jsonSchema<{ what: string }>({ type: 'object' }),
    async execute(_input, options) {
      await hold(IN_TOOL);
      const { idempotencyKey = '' } = options as { idempotencyKey?: string };
      const found = await effect(idempotencyKey);
      await hold(IN_TOOL + 1);
      return found;
    },
  });
  return { model, tools: { count }, ending: () => hold(AT_END) };
}
