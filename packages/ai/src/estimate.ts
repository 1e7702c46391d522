// How many tokens something is where nobody counted: four ASCII characters are one, any other character one by itself (an
// emoji two). More than usual models make of prose, somewhat less than of dense code. Pure. Rules: RUN-14.

import type { RunPart } from '@millrace/protocol/runs';
import { asSchema, type ToolSet } from 'ai';

/** What a message costs beside its content. */
const MESSAGE_TOKENS = 4;
/** An image or a document: nobody reads its bytes as text. */
const FILE_TOKENS = 1_000;

interface Request {
  readonly prompt: readonly { readonly content: string | readonly object[] }[];
  readonly tools?: readonly object[] | undefined;
}

/** A fraction: round up where it is told. */
export function textTokens(text: string): number {
  let others = 0;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) others += 1;
  return (text.length - others) / 4 + others;
}

/** Of one request: its messages and the tools that it offers. */
export function promptTokens({ prompt, tools = [] }: Request): number {
  let sum = tools.reduce((tokens, tool) => tokens + jsonTokens(tool), 0);
  for (const { content } of prompt) {
    sum += MESSAGE_TOKENS;
    if (typeof content === 'string') sum += textTokens(content);
    else for (const part of content) sum += contentTokens(part);
  }
  return Math.ceil(sum);
}

/** Of tools as a model is offered them. */
export async function toolsTokens(tools: ToolSet): Promise<number> {
  let sum = 0;
  for (const [name, { description, inputSchema }] of Object.entries(tools)) {
    const input: unknown = await asSchema<unknown>(inputSchema).jsonSchema;
    sum += jsonTokens({ name, description, input });
  }
  return Math.ceil(sum);
}

/** Of what a model wrote: texts, reasoning, the inputs of calls. */
export function partsTokens(parts: readonly RunPart[]): number {
  const sum = parts.reduce((tokens, part) => {
    if (part.type === 'text' || part.type === 'reasoning') return tokens + textTokens(part.text);
    if (part.type !== 'tool') return tokens;
    return tokens + (part.inputText === '' ? jsonTokens(part.input) : textTokens(part.inputText));
  }, 0);
  return Math.ceil(sum);
}

/** Binary content stands for its size in no text. */
function contentTokens(part: object): number {
  const isFile = 'type' in part && (part.type === 'file' || part.type === 'image');
  if (isFile) return FILE_TOKENS;
  if ('text' in part && typeof part.text === 'string') return textTokens(part.text);
  return jsonTokens(part);
}

function jsonTokens(value: unknown): number {
  return textTokens(JSON.stringify(value) ?? '');
}
