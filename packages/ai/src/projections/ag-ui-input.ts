// What an AG-UI client posts, `RunAgentInput`, read from the untrusted: what it has to have is there, what is not known
// stays away, `forwardedProps` above all. Rules: AGUI-4.

import { MillraceError } from '@millrace/protocol';
import type { Json } from '@millrace/protocol/runs';
import { isJsonObject, type JsonObject } from '@millrace/protocol/wire';

/** Where a medium comes from. */
export type AgUiSource =
  | { readonly type: 'data'; readonly value: string; readonly mimeType: string }
  /** `file`: what the provider calls it. */
  | { readonly type: 'url' | 'file'; readonly value: string; readonly mimeType?: string };

export type AgUiContent =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'image' | 'audio' | 'video' | 'document';
      readonly source: AgUiSource;
    };

export interface AgUiToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export type AgUiMessage = { readonly id: string } & (
  | { readonly role: 'developer' | 'system' | 'reasoning'; readonly content: string }
  | { readonly role: 'user'; readonly content: string | readonly AgUiContent[] }
  | {
      readonly role: 'assistant';
      readonly content?: string;
      readonly toolCalls?: readonly AgUiToolCall[];
    }
  | {
      readonly role: 'tool';
      readonly toolCallId: string;
      readonly content: string | readonly AgUiContent[];
      readonly error?: string;
    }
  | { readonly role: 'activity'; readonly activityType: string; readonly content: Json }
);

export interface AgUiTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the input. */
  readonly parameters?: Json;
}

export interface AgUiInput {
  readonly threadId: string;
  /** Made by the client: take it as the start's key. */
  readonly runId: string;
  readonly messages: readonly AgUiMessage[];
  readonly tools: readonly AgUiTool[];
  /** Null where there is none. */
  readonly state: Json;
  readonly context: readonly { readonly description: string; readonly value: string }[];
}

/** Of messages, tools and pieces of context each; a body's bytes are the route's to bound. */
const MAX_ITEMS = 10_000;

/**
 * @param body parsed JSON
 * @throws MillraceError `request/invalid` with the field that is wrong, and how
 */
export function readAgUiInput(body: unknown): AgUiInput {
  const input = objectAt(body, 'the body');
  return {
    threadId: idAt(input['threadId'], 'threadId'),
    runId: idAt(input['runId'], 'runId'),
    messages: listAt(input['messages'], 'messages', readMessage),
    tools: listAt(input['tools'] ?? [], 'tools', readTool),
    state: jsonAt(input['state']),
    context: listAt(input['context'] ?? [], 'context', (value, name) => {
      const { description, value: text } = objectAt(value, name);
      return {
        description: textAt(description, `${name}.description`),
        value: textAt(text, `${name}.value`),
      };
    }),
  };
}

function readMessage(value: unknown, name: string): AgUiMessage {
  const message = objectAt(value, name);
  const id = textAt(message['id'], `${name}.id`);
  const { role, content } = message;
  const text = (): string => textAt(content, `${name}.content`);
  switch (role) {
    case 'developer':
    case 'system':
    case 'reasoning':
      return { id, role, content: text() };
    case 'user':
      return { id, role, content: contentAt(content, `${name}.content`) };
    case 'assistant': {
      const calls = message['toolCalls'] ?? undefined;
      return {
        id,
        role,
        ...(isGiven(content) && { content: text() }),
        ...(calls !== undefined && { toolCalls: listAt(calls, `${name}.toolCalls`, readCall) }),
      };
    }
    case 'tool': {
      const { error } = message;
      return {
        ...{ id, role, content: contentAt(content, `${name}.content`) },
        toolCallId: textAt(message['toolCallId'], `${name}.toolCallId`),
        ...(isGiven(error) && { error: textAt(error, `${name}.error`) }),
      };
    }
    case 'activity':
      return {
        ...{ id, role, content: jsonAt(objectAt(content, `${name}.content`)) },
        activityType: textAt(message['activityType'], `${name}.activityType`),
      };
    default:
      throw invalid(
        `${name}.role`,
        'one of developer, system, user, assistant, tool, reasoning, activity',
      );
  }
}

function readCall(value: unknown, name: string): AgUiToolCall {
  const call = objectAt(value, name);
  const called = objectAt(call['function'], `${name}.function`);
  return {
    id: textAt(call['id'], `${name}.id`),
    type: 'function',
    function: {
      name: textAt(called['name'], `${name}.function.name`),
      arguments: textAt(called['arguments'], `${name}.function.arguments`),
    },
  };
}

function readTool(value: unknown, name: string): AgUiTool {
  const tool = objectAt(value, name);
  const { parameters } = tool;
  return {
    name: idAt(tool['name'], `${name}.name`),
    description: textAt(tool['description'], `${name}.description`),
    ...(isGiven(parameters) && { parameters: jsonAt(parameters) }),
  };
}

function contentAt(value: unknown, name: string): string | readonly AgUiContent[] {
  return typeof value === 'string' ? value : listAt(value, name, readContent);
}

function readContent(value: unknown, name: string): AgUiContent {
  const content = objectAt(value, name);
  const { type } = content;
  switch (type) {
    case 'text':
      return { type, text: textAt(content['text'], `${name}.text`) };
    case 'image':
    case 'audio':
    case 'video':
    case 'document':
      return { type, source: readSource(content['source'], `${name}.source`) };
    default:
      throw invalid(`${name}.type`, 'one of text, image, audio, video, document');
  }
}

function readSource(value: unknown, name: string): AgUiSource {
  const source = objectAt(value, name);
  const { type, mimeType } = source;
  const text = textAt(source['value'], `${name}.value`);
  if (type === 'data') return { type, value: text, mimeType: textAt(mimeType, `${name}.mimeType`) };
  if (type !== 'url' && type !== 'file') throw invalid(`${name}.type`, 'one of data, url, file');
  if (!isGiven(mimeType)) return { type, value: text };
  return { type, value: text, mimeType: textAt(mimeType, `${name}.mimeType`) };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function listAt<Item>(
  value: unknown,
  name: string,
  read: (item: unknown, name: string) => Item,
): readonly Item[] {
  if (!Array.isArray(value)) throw invalid(name, 'a list');
  if (value.length > MAX_ITEMS) throw invalid(name, `a list of at most ${MAX_ITEMS}`);
  return value.map((item, index) => read(item, `${name}[${index}]`));
}

function objectAt(value: unknown, name: string): JsonObject {
  if (!isJsonObject(value)) throw invalid(name, 'an object');
  return value;
}

function textAt(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalid(name, 'a text');
  return value;
}

/** What names something: rows keep no more. */
function idAt(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= 200) return value;
  throw invalid(name, 'a text of 1 to 200 characters');
}

/** It came out of JSON. */
function jsonAt(value: unknown): Json {
  return (value ?? null) as Json;
}

function invalid(name: string, expected: string): MillraceError {
  return new MillraceError(
    'request/invalid',
    `This is no AG-UI input: ${name} must be ${expected}.`,
  );
}
