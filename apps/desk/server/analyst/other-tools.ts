// Tools that are not the analyst's own (a client of the OpenAI API brings some): which one a question clearly names, its
// arguments as far as the question gives them, and what it answered. Pure.
//
// Nothing is guessed: a tool is called when all words of its name stand in the question, or several of its description's,
// and when each argument that it must have can be read from the question.
import * as z from 'zod';
import { blocks } from './answers/markdown.ts';
import type { FunctionTool } from './language-model.ts';
import type { Call } from './plan.ts';
import type { ToolOutcome } from './turn.ts';

const propertySchema = z.object({
  // `["string", "null"]` is a string.
  type: z
    .union([
      z.string(),
      z.array(z.string()).transform((types) => types.find((one) => one !== 'null')),
    ])
    .optional(),
  enum: z.array(z.unknown()).optional(),
  items: z.object({ type: z.string().optional() }).optional(),
});
type Property = z.infer<typeof propertySchema>;

const inputSchema = z.object({
  properties: z.record(z.string(), propertySchema.catch({})).default({}),
  required: z.array(z.string()).default([]),
});

/** What is not such a schema asks for nothing. */
const shapeOf = (schema: unknown): z.infer<typeof inputSchema> =>
  inputSchema.catch({ properties: {}, required: [] }).parse(schema);

/** Words of names that say nothing about what a tool is for. */
const EMPTY_WORDS = new Set(
  'a an and api by call current do fetch find for from get given in info information is it lookup my new of on query retrieve run search set show that the this to tool use with you your'.split(
    ' ',
  ),
);

export type Match =
  | { readonly is: 'none' }
  | { readonly is: 'call'; readonly call: Call }
  | { readonly is: 'incomplete'; readonly name: string; readonly missing: readonly string[] };

export function matchTool(question: string, tools: readonly FunctionTool[]): Match {
  const words = new Set(wordsOf(question));
  const scored = tools
    .map((tool) => ({ tool, score: scoreOf(tool, question, words) }))
    .filter(({ score }) => score > 0)
    .toSorted((one, other) => other.score - one.score);
  const [best] = scored;
  if (best === undefined) return { is: 'none' };
  const { name } = best.tool;
  const { input, missing } = argumentsFor(question, best.tool);
  if (missing.length > 0) return { is: 'incomplete', name, missing };
  return { is: 'call', call: { name, input } };
}

/** For a tool that must be called: what the question does not give is filled in with the emptiest value there is. */
export function forcedCall(question: string, tool: FunctionTool): Call {
  const { input, missing } = argumentsFor(question, tool);
  const { properties } = shapeOf(tool.inputSchema);
  const filled = missing.map((name) => [name, emptiest(properties[name], question)] as const);
  return { name: tool.name, input: { ...input, ...Object.fromEntries(filled) } };
}

function scoreOf(tool: FunctionTool, question: string, words: ReadonlySet<string>): number {
  if (question.toLowerCase().includes(tool.name.toLowerCase())) return 100;
  const telling = (text: string): string[] =>
    [...new Set(wordsOf(text))].filter((word) => !EMPTY_WORDS.has(word) && word.length > 2);
  const name = telling(tool.name);
  const isNamed = name.length > 0 && name.every((word) => words.has(word));
  const described = telling(tool.description ?? '').filter((word) => words.has(word)).length;
  if (isNamed) return 10 + described;
  const hasOne = name.some((word) => words.has(word));
  return described >= 2 && hasOne ? described : described >= 3 ? described - 1 : 0;
}

/** Lower case, the parts of camelCase and snake_case apart, without plural endings. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => (word.length > 3 && !word.endsWith('ss') ? word.replace(/s$/, '') : word));
}

function argumentsFor(
  question: string,
  tool: FunctionTool,
): { readonly input: Record<string, unknown>; readonly missing: string[] } {
  const quoted = [
    ...question.matchAll(/"([^"]{1,500})"|“([^”]{1,500})”|'([^']{1,500})'(?!\w)|`([^`]{1,500})`/g),
  ].map((found) => found.slice(1).find((part) => part !== undefined) ?? '');
  const bare = question.replace(/"[^"]*"|“[^”]*”|`[^`]*`/g, ' ');
  const numbers = (bare.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number);
  // "in Paris", "for New York": a name after a preposition, where nothing is quoted.
  const names = [
    ...bare.matchAll(/\b(?:in|for|of|at|from|to|about|named|called)\s+((?:[A-Z][\w-]*\s?)+)/g),
  ].map(([, name = '']) => name.trim());
  const texts = quoted.length > 0 ? quoted : names;
  const shape = shapeOf(tool.inputSchema);
  const required = new Set(shape.required);
  const properties = Object.entries(shape.properties).toSorted(
    ([one], [other]) => Number(required.has(other)) - Number(required.has(one)),
  );
  const input: Record<string, unknown> = {};
  for (const [name, property] of properties) {
    const value = valueFor(property, { question, numbers, texts });
    if (value !== undefined) input[name] = value;
  }
  return { input, missing: [...required].filter((name) => !Object.hasOwn(input, name)) };
}

/** Takes what it uses, so that the next argument gets the next one. */
function valueFor(
  property: Property,
  from: { readonly question: string; readonly numbers: number[]; readonly texts: string[] },
): unknown {
  const { enum: allowed, type } = property;
  if (Array.isArray(allowed)) {
    const lower = ` ${wordsOf(from.question).join(' ')} `;
    return allowed.find(
      (one) => typeof one === 'string' && lower.includes(` ${wordsOf(one).join(' ')} `),
    );
  }
  switch (type) {
    case 'number':
      return from.numbers.shift();
    case 'integer': {
      const at = from.numbers.findIndex((number) => Number.isInteger(number));
      return at === -1 ? undefined : from.numbers.splice(at, 1)[0];
    }
    case 'string':
      return from.texts.shift();
    case 'array': {
      const isNumeric = /^(number|integer)$/.test(property.items?.type ?? '');
      const list = isNumeric ? from.numbers : from.texts;
      return list.length > 0 ? list.splice(0) : undefined;
    }
    default:
      return undefined;
  }
}

function emptiest(property: Property | undefined, question: string): unknown {
  if (property !== undefined && Array.isArray(property.enum)) return property.enum[0];
  switch (property?.type) {
    case 'number':
    case 'integer':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return question.slice(0, 500);
  }
}

const MAX_SHOWN = 2_000;

/** What such a tool answered, shown as it is. */
export function outcomeAnswer({ name, outcome }: ToolOutcome): string {
  if (outcome.is === 'failed')
    return blocks(`\`${name}\` failed:`, `> ${shortened(outcome.error)}`);
  const { output } = outcome;
  if (typeof output !== 'object' || output === null) {
    return blocks(`\`${name}\` answered:`, `> ${shortened(String(output)).replace(/\n/g, '\n> ')}`);
  }
  const entries = Object.entries(output);
  const isFlat =
    !Array.isArray(output) &&
    entries.length > 0 &&
    entries.length <= 12 &&
    entries.every(([, value]) => typeof value !== 'object' || value === null);
  if (isFlat) {
    const lines = entries.map(([key, value]) => `- **${key}:** ${shortened(String(value))}`);
    return blocks(`\`${name}\` answered:`, lines.join('\n'));
  }
  return blocks(
    `\`${name}\` answered:`,
    ['```json', shortened(JSON.stringify(output, null, 2)), '```'].join('\n'),
  );
}

export function incompleteAnswer({ name, missing }: Extract<Match, { is: 'incomplete' }>): string {
  const list = missing.map((one) => `\`${one}\``).join(' and ');
  return `To use \`${name}\` I need ${list}, which I could not read from your question. Put texts in quotes and numbers in digits.`;
}

function shortened(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
