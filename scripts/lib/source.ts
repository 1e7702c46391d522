// Reads one TypeScript file into what the checks ask about: its imports, its first comment, the
// browser globals it touches. A real parser (vite's), because patterns over source text see
// imports in strings and miss those that span lines.
import { parseSync } from 'vite';
import { lineAt, readText } from './files.ts';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Disappears at run time. */
  readonly isType: boolean;
}

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly exports: readonly { readonly name: string; readonly isType: boolean }[];
  /** Text of the comments before the first statement, empty when there is none. */
  readonly header: string;
  readonly comments: readonly { readonly text: string; readonly line: number }[];
  /** Names read as free-standing identifiers (`window`, not `thing.window`), with their lines. */
  readonly globals: ReadonlyMap<string, number>;
  /** Calls such as `it.skip`, with their lines. */
  readonly members: ReadonlyMap<string, number>;
  readonly problem?: string;
}

export function readSource(root: string, path: string): Source {
  const text = readText(root, path);
  const parsed = parseSync(path, text);
  const { staticImports, staticExports, dynamicImports } = parsed.module;
  const imports: Import[] = [];
  const add = (specifier: string, start: number, isType: boolean): void => {
    imports.push({ specifier, line: lineAt(text, start), isType });
  };
  for (const { moduleRequest, entries, start } of staticImports) {
    add(moduleRequest.value, start, entries.length > 0 && entries.every((entry) => entry.isType));
  }
  const exported = [];
  for (const { entries, start } of staticExports) {
    const from = entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest;
    if (from)
      add(
        from.value,
        start,
        entries.every((entry) => entry.isType),
      );
    for (const entry of entries) {
      exported.push({ name: entry.exportName.name ?? '*', isType: entry.isType });
    }
  }
  for (const { moduleRequest, start } of dynamicImports) {
    const written = text.slice(moduleRequest.start, moduleRequest.end);
    // A computed specifier cannot be followed; what it loads is checked by the test that runs it.
    if (/^['"]/.test(written)) add(written.slice(1, -1), start, false);
  }
  const globals = new Map<string, number>();
  const members = new Map<string, number>();
  const program: unknown = parsed.program;
  if (isNode(program)) collect(program, text, globals, members);
  const first = parsed.program.body[0]?.start ?? text.length;
  const header = parsed.comments.filter((comment) => comment.end <= first);
  const problem = parsed.errors[0]?.message;
  return {
    path,
    text,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports,
    exports: exported,
    header: header.map((comment) => comment.value.trim()).join('\n'),
    comments: parsed.comments.map(({ value, start }) => ({
      text: value,
      line: lineAt(text, start),
    })),
    globals,
    members,
    ...(problem === undefined ? {} : { problem }),
  };
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

function collect(
  node: Node,
  text: string,
  globals: Map<string, number>,
  members: Map<string, number>,
): void {
  const note = (into: Map<string, number>, name: string): void => {
    if (!into.has(name)) into.set(name, lineAt(text, node.start));
  };
  if (node.type === 'Identifier' && typeof node['name'] === 'string') note(globals, node['name']);
  const object = node['object'];
  const property = node['property'];
  const isPlainMember = node.type === 'MemberExpression' && node['computed'] !== true;
  if (isPlainMember && isNode(object) && isNode(property)) {
    note(members, `${String(object['name'])}.${String(property['name'])}`);
  }
  for (const [key, value] of Object.entries(node)) {
    if (isNameOnly(node, key)) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) collect(child, text, globals, members);
    }
  }
}

/** `a.window`, `{ window: 1 }` and members of types name a property, they do not read the global. */
function isNameOnly(node: Node, key: string): boolean {
  if (node['computed'] === true) return false;
  if (node.type === 'MemberExpression') return key === 'property';
  if (node['shorthand'] === true) return false;
  return key === 'key' || key === 'label';
}
