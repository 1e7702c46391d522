// What the model server of tests answers, as data, and the frames that say it in OpenAI's chat-completions format. Pure.
// Refuses to own: when a frame goes out, and what breaks (model-server.ts).

export interface ModelToolCall {
  readonly id?: string;
  readonly name: string;
  /** A text is sent as it is, JSON or not. */
  readonly arguments: unknown;
}

export interface ModelUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

export interface ModelAnswer {
  /** A frame each. Default: one, `Fine.`; none with tool calls. */
  readonly text?: readonly string[];
  /** A frame each, as `reasoning_content`. */
  readonly reasoning?: readonly string[];
  readonly toolCalls?: readonly ModelToolCall[];
  /** Null: the provider never says. Default 10 and 5. */
  readonly usage?: ModelUsage | null;
  readonly finishReason?: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  /** Between two frames, ms. Default 0. */
  readonly everyMs?: number;
  /** Before the frame of each number (0 is the role) a stream waits for the promise. */
  readonly waits?: ReadonlyMap<number, Promise<unknown>>;
  /** What goes wrong; default nothing. */
  readonly fault?: ModelFault;
}

/** `at`: before the frame of that number (0 is the role, 1 the first that says something; one past the last: the end). */
export type ModelFault =
  /** The first frame, and the head of the answer if `holdsHead`, come so late. */
  | { readonly is: 'slow'; readonly afterMs: number; readonly holdsHead?: boolean }
  /** Nothing more comes, and the line stays open. */
  | { readonly is: 'stall'; readonly at: number }
  /** The socket is destroyed; `at: -1` before there is a head. */
  | { readonly is: 'cut'; readonly at: number }
  /** The answer ends as if it were whole, with no word of its end. */
  | { readonly is: 'end'; readonly at: number }
  /** `{"error": …}` among the frames. */
  | { readonly is: 'error-frame'; readonly at: number; readonly message?: string }
  /** In place of an answer. */
  | { readonly is: 'status'; readonly status: number; readonly retryAfterS?: number }
  /** The frame comes twice. */
  | { readonly is: 'duplicate'; readonly at: number }
  /** Each frame that has a letter of several bytes comes in two pieces, cut within that letter. */
  | { readonly is: 'split-letters' }
  /** A frame that is no JSON. */
  | { readonly is: 'malformed'; readonly at: number };

interface Head {
  readonly id: string;
  readonly model: string;
}

/** The JSON texts of a streamed answer's frames, `[DONE]` last. */
export function framesOf(
  answer: ModelAnswer,
  { id, model }: Head,
  includesUsage: boolean,
): readonly string[] {
  const head = { id, object: 'chat.completion.chunk', created: 1_800_000_000, model };
  const chunk = (delta: object, finishReason: string | null = null): string =>
    JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finishReason }] });
  const { reasoning = [], toolCalls = [] } = answer;
  const usage = usageOf(answer);
  return [
    chunk({ role: 'assistant', content: '' }),
    ...reasoning.map((text) => chunk({ reasoning_content: text })),
    ...textOf(answer).map((text) => chunk({ content: text })),
    ...toolCalls.flatMap((call, index) => {
      const { id: callId, name, written } = writtenCall(call, index);
      const half = Math.ceil(written.length / 2);
      const first = { name, arguments: written.slice(0, half) };
      const rest = { arguments: written.slice(half) };
      return [
        chunk({ tool_calls: [{ index, id: callId, type: 'function', function: first }] }),
        chunk({ tool_calls: [{ index, function: rest }] }),
      ];
    }),
    chunk({}, reasonOf(answer)),
    ...(includesUsage && usage !== null ? [JSON.stringify({ ...head, choices: [], usage })] : []),
    '[DONE]',
  ];
}

/** The body of one that is not streamed. */
export function completionOf(answer: ModelAnswer, { id, model }: Head): object {
  const { reasoning, toolCalls } = answer;
  const usage = usageOf(answer);
  const text = textOf(answer);
  const message = {
    role: 'assistant',
    content: text.length === 0 ? null : text.join(''),
    ...(reasoning !== undefined && { reasoning_content: reasoning.join('') }),
    ...(toolCalls !== undefined && {
      tool_calls: toolCalls.map((call, index) => {
        const { id: callId, name, written } = writtenCall(call, index);
        return { id: callId, type: 'function', function: { name, arguments: written } };
      }),
    }),
  };
  return {
    id,
    object: 'chat.completion',
    created: 1_800_000_000,
    model,
    choices: [{ index: 0, message, finish_reason: reasonOf(answer) }],
    ...(usage !== null && { usage }),
  };
}

function textOf({ text, toolCalls }: ModelAnswer): readonly string[] {
  return text ?? (toolCalls === undefined ? ['Fine.'] : []);
}

function reasonOf({ finishReason, toolCalls }: ModelAnswer): string {
  return finishReason ?? (toolCalls === undefined ? 'stop' : 'tool_calls');
}

function usageOf({ usage }: ModelAnswer): (ModelUsage & { readonly total_tokens: number }) | null {
  if (usage === null) return null;
  const { prompt_tokens, completion_tokens } = usage ?? { prompt_tokens: 10, completion_tokens: 5 };
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function writtenCall(call: ModelToolCall, index: number) {
  const { id = `call_${index}`, name, arguments: given } = call;
  return { id, name, written: typeof given === 'string' ? given : JSON.stringify(given) };
}
