// The official clients, each as its users use it: it asks, reads, and, cut off, comes again by its own means. A table, so
// that every test meets all of them.

import { HttpAgent } from '@ag-ui/client';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Chat } from '@ai-sdk/react';
import { HttpAgent as HttpAgent0 } from 'ag-ui-client-0';
import { DefaultChatTransport, streamText, type UIMessage, WebSocketChatTransport } from 'ai';
import { DefaultChatTransport as DefaultChatTransport6 } from 'ai-6';
import { Chat as Chat6 } from 'ai-sdk-react-3';
import { createParser } from 'eventsource-parser';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { WebSocket } from 'ws';

export interface Reader {
  /** Asks and reads; false where the answer was broken off. */
  ask(): Promise<boolean>;
  /** Comes again after that. Rejects with what it is told of the second time. */
  again(): Promise<boolean>;
  /** What it has of the answer. */
  text(): string;
  /** Messages of the assistant that it shows; one, where its protocol knows no messages. */
  answers(): number;
}

export interface Client {
  readonly name: string;
  /** A page has it; others are programs, which have the whole again when they come again. */
  readonly rules: string;
  open(url: string, chat: string): Reader;
}

interface AnyChat {
  readonly messages: readonly {
    readonly role: string;
    readonly parts: readonly { readonly type: string; readonly text?: string }[];
  }[];
  readonly error: Error | undefined;
  sendMessage(message: { text: string }): Promise<void>;
  resumeStream(): Promise<void>;
}

function chatReader(chat: AnyChat): Reader {
  const answers = () => chat.messages.filter(({ role }) => role === 'assistant');
  return {
    async ask() {
      await chat.sendMessage({ text: 'How many trades?' });
      return chat.error === undefined;
    },
    async again() {
      await chat.resumeStream();
      return chat.error === undefined;
    },
    text: () => (answers().at(-1)?.parts ?? []).map((part) => textOf(part)).join(''),
    answers: () => answers().length,
  };
}

function textOf({ type, text }: { readonly type: string; readonly text?: string }): string {
  return type === 'text' ? (text ?? '') : '';
}

/** Of programs: the text of the last try. */
function programReader(read: (add: (text: string) => void) => Promise<void>): Reader {
  let text = '';
  async function ask(): Promise<boolean> {
    text = '';
    try {
      await read((more) => {
        text += more;
      });
      return true;
    } catch {
      // However it is told of that: it is not whole.
      return false;
    }
  }
  return { ask, again: ask, text: () => text, answers: () => 1 };
}

const asked = { model: 'any', messages: [{ role: 'user' as const, content: 'How many trades?' }] };

function openAiReader(Client: typeof OpenAI, url: string, chat: string): Reader {
  const headers = { 'Idempotency-Key': chat };
  const client = new Client({ apiKey: 'mr', baseURL: `${url}/v1`, defaultHeaders: headers });
  return programReader(async (add) => {
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    let reason: string | null = null;
    for await (const { choices } of stream) {
      add(choices[0]?.delta.content ?? '');
      reason = choices[0]?.finish_reason ?? reason;
    }
    if (reason !== 'stop') throw new Error(`it ended with ${reason}`);
  });
}

function compatibleReader(url: string, chat: string): Reader {
  const headers = { 'Idempotency-Key': chat };
  const provider = createOpenAICompatible({ name: 'millrace', baseURL: `${url}/v1`, headers });
  return programReader(async (add) => {
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    const { textStream, finishReason } = streamText({
      ...{ model: provider('any'), prompt: 'How many trades?', maxRetries: 0 },
      onError: ({ error }) => failed.reject(error),
    });
    for await (const text of textStream) add(text);
    await Promise.race([finishReason, failed.promise]);
  });
}

function agentReader(Agent: typeof HttpAgent, path: string, url: string, chat: string): Reader {
  let agent: HttpAgent | null = null;
  const answers = () => agent?.messages.filter(({ role }) => role === 'assistant') ?? [];
  async function ask(): Promise<boolean> {
    let isOver = false;
    // As a page that was loaded anew: it has the question, and asks for the same run.
    agent = new Agent({ url: `${url}${path}`, threadId: chat, fetch: fetchAborted });
    agent.messages = [{ id: 'u1', role: 'user', content: 'How many trades?' }];
    const subscriber = {
      onRunFinishedEvent() {
        isOver = true;
      },
    };
    try {
      await agent.runAgent({ runId: `${chat}-run` }, subscriber);
    } catch {
      return false;
    }
    return isOver;
  }
  return {
    ...{ ask, again: ask, answers: () => Math.min(1, answers().length) },
    text: () =>
      answers()
        .map(({ content }) => (typeof content === 'string' ? content : ''))
        .join(''),
  };
}

/**
 * Whatever breaks a body off, HttpAgent cancels it then, and rejects with that where nobody listens, unless it is an
 * `AbortError`: this makes it one.
 */
async function fetchAborted(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const reader = response.body?.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done || value === undefined) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(new DOMException(String(error), 'AbortError'));
      }
    },
    cancel: (reason) => reader?.cancel(reason),
  });
  const { status, headers } = response;
  return new Response(body, { status, headers });
}

/** What a native EventSource does, and `reset` besides; the real one runs in Chromium. */
function plainReader(url: string, chat: string): Reader {
  let text = '';
  let id = '';
  let isOver = false;
  async function ask(): Promise<boolean> {
    const headers: Record<string, string> = id === '' ? {} : { 'Last-Event-ID': id };
    const response = await fetch(`${url}/plain?chat=${chat}`, { headers });
    if (response.status === 204) return true;
    const parser = createParser({
      onEvent(block) {
        id = block.id ?? id;
        const event = JSON.parse(block.data) as { type: string; content?: string };
        if (event.type === 'token') text += event.content;
        else if (event.type === 'reset') text = event.content ?? '';
        else isOver = event.type === 'done';
      },
    });
    try {
      const body = response.body?.pipeThrough(new TextDecoderStream());
      for await (const chunk of body ?? []) parser.feed(chunk);
    } catch {
      return false;
    }
    return isOver;
  }
  return { ask, again: ask, text: () => text, answers: () => 1 };
}

type SocketOptions = ConstructorParameters<typeof WebSocketChatTransport>[0];
type SocketClass = NonNullable<SocketOptions['webSocket']>;
// ai 6 and 7 name the same things in types of their own.
type Transport6 = ConstructorParameters<typeof Chat6>[0]['transport'];

export const CLIENTS: readonly Client[] = [
  {
    ...{ name: 'useChat of ai 7', rules: 'UI-1' },
    open: (url, chat) =>
      chatReader(
        new Chat<UIMessage>({
          id: chat,
          transport: new DefaultChatTransport({ api: `${url}/ui-7` }),
        }),
      ),
  },
  {
    ...{ name: 'useChat of ai 6', rules: 'UI-1' },
    open(url, chat) {
      const transport = new DefaultChatTransport6({ api: `${url}/ui-6` }) as unknown as Transport6;
      return chatReader(new Chat6({ id: chat, ...(transport !== undefined && { transport }) }));
    },
  },
  {
    ...{ name: 'useChat of ai 7 on a WebSocket', rules: 'CHATWS-1' },
    open(url, chat) {
      const webSocket = WebSocket as unknown as SocketClass;
      const transport = new WebSocketChatTransport<UIMessage>({ url: `${url}/chat-ws`, webSocket });
      return chatReader(new Chat<UIMessage>({ id: chat, transport }));
    },
  },
  {
    ...{ name: 'openai 7', rules: 'OAI-1' },
    open: (url, chat) => openAiReader(OpenAI, url, chat),
  },
  {
    ...{ name: 'openai 6', rules: 'OAI-1' },
    open: (url, chat) => openAiReader(OpenAI6 as unknown as typeof OpenAI, url, chat),
  },
  {
    ...{ name: '@ai-sdk/openai-compatible', rules: 'OAI-1' },
    open: compatibleReader,
  },
  {
    ...{ name: 'HttpAgent 1.0', rules: 'AGUI-1' },
    open: (url, chat) => agentReader(HttpAgent, '/ag-ui-1', url, chat),
  },
  {
    ...{ name: 'HttpAgent 0.0', rules: 'AGUI-1' },
    open: (url, chat) =>
      agentReader(HttpAgent0 as unknown as typeof HttpAgent, '/ag-ui-0', url, chat),
  },
  {
    ...{ name: 'a reader of plain events', rules: 'PLAINRUN-2' },
    open: plainReader,
  },
];
