// `defineChannel`: the only source of types for server, client and hooks. Describes; has no lifetime and does no I/O.
// Owns: a channel type's parameters, event schemas, state, history, delivery policy, access. Rules: CHAN-1 … CHAN-6.

import { encodeChannelName, isChannelType, matchesChannelType } from './channel-name.ts';
import { MillraceError } from './errors.ts';
import type { ChannelEvent } from './event.ts';
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.ts';

export type EventSchemas = Readonly<Record<string, StandardSchema>>;

/** The schemas of a contract that declares none. */
export type NoEvents = Readonly<Record<never, StandardSchema>>;

/** An event of these schemas as a reader gets it: a union discriminated by `type`. */
export type EventOf<Events extends EventSchemas> = {
  [Name in keyof Events & string]: ChannelEvent<Name, SchemaOutput<Events[Name]>>;
}[keyof Events & string];

/** An event of these schemas as a publisher gives it. `id` is the application's own id for it, if it has one. */
export type EventInput<Events extends EventSchemas> = {
  [Name in keyof Events & string]: {
    readonly type: Name;
    readonly data: SchemaInput<Events[Name]>;
    readonly id?: string;
  };
}[keyof Events & string];

/**
 * Who may do a thing: `public` anyone who may open a link; `authorized` whom the hub's `authorize` lets;
 * `server` nobody from outside.
 */
export type Access = 'public' | 'authorized' | 'server';

export interface ChannelState<Events extends EventSchemas, State> {
  readonly initial: State;
  /** Pure and total: the same function folds on server, database and client. Must not change `state` in place. */
  reduce(state: State, event: EventOf<Events>): State;
  readonly migrate?: StateMigration<State>;
}

/**
 * Makes this version's state of one that a lower version stored, in the server alone, where the events before it are
 * gone. `state` is what that version's `reduce` made. Without it, or when it throws, the state starts from the events
 * that are left, and the hub's `onError` hears of it.
 */
export type StateMigration<State> = (state: unknown, fromVersion: number) => State;

/** What a contract says about its channels, without their parameters. */
export interface ContractBody<
  Events extends EventSchemas,
  State,
  Data extends StandardSchema = StandardSchema,
  Ephemeral extends EventSchemas = EventSchemas,
> {
  readonly type: string;
  readonly version: number;
  readonly events: Events;
  readonly state: ChannelState<Events, State> | undefined;
  /** Events kept (default 1,000) and for how long in ms (default 24 h); what is over either may be trimmed. */
  readonly history: { readonly size: number; readonly maxAgeMs: number };
  readonly deliver: 'events' | 'state';
  readonly everyMs: number;
  /** The schema of the data that sessions are present with; undefined: any JSON. */
  readonly presence: Data | undefined;
  /** How long a session that merely broke off stays present, ms; undefined: what the hub says. */
  readonly leaveAfterMs: number | undefined;
  /** Events that pass: not kept, told once to who is there. Undefined: there are none. */
  readonly ephemeral: Ephemeral | undefined;
  /** How long one counts where no later one of its kind and session comes, ms. */
  readonly ephemeralForMs: number;
  readonly access: Readonly<Record<'subscribe' | 'publish' | 'presence' | 'ephemeral', Access>>;
  /** Whether `name` is a channel of this contract: its type, and as many parameters. */
  matches(name: string): boolean;
}

export interface Contract<
  Param extends string,
  Events extends EventSchemas,
  State,
  Data extends StandardSchema = StandardSchema,
  Ephemeral extends EventSchemas = EventSchemas,
> extends ContractBody<Events, State, Data, Ephemeral> {
  readonly params: readonly Param[];
  /**
   * The channel with these parameters, e.g. `jobProgress.of({ jobId: '7' })`.
   * @throws MillraceError `channel/invalid-name` when a parameter is missing or empty, or the name too long
   */
  of(
    ...params: [Param] extends [never] ? [] : [Readonly<Record<Param, string>>]
  ): Channel<Events, State, Data, Ephemeral>;
}

/** One channel: its name on the wire and its contract. A plain value: make it anywhere, as often as you like. */
export interface Channel<
  Events extends EventSchemas,
  State,
  Data extends StandardSchema = StandardSchema,
  Ephemeral extends EventSchemas = EventSchemas,
> {
  readonly name: string;
  readonly contract: ContractBody<Events, State, Data, Ephemeral>;
}

export interface ChannelDefinition<
  Param extends string,
  Events extends EventSchemas,
  State,
  Data extends StandardSchema = StandardSchema,
  Ephemeral extends EventSchemas = NoEvents,
> {
  /** Lower-case word with underscores, e.g. `job_progress`: the first part of each channel's name. */
  readonly type: string;
  /** Names of the parameters, in the order in which they stand in the channel's name. Default: none, one channel. */
  readonly params?: readonly Param[];
  /**
   * Raise it with a change that old readers cannot take (default 1): they are told `contract/outdated`. It only rises:
   * a stored state of a higher version is neither read nor replaced, so to go back means to raise it once more.
   */
  readonly version?: number;
  readonly events: Events;
  readonly state?: {
    readonly initial: State;
    readonly reduce: (state: NoInfer<State>, event: EventOf<Events>) => NoInfer<State>;
    readonly migrate?: StateMigration<NoInfer<State>>;
  };
  readonly history?: { readonly size?: number; readonly maxAgeMs?: number };
  /** `state` sends readers the folded state instead of events, at most every `everyMs` (default 100). Needs `state`. */
  readonly deliver?: 'events' | 'state';
  readonly everyMs?: number;
  /** The schema of the data that sessions are present with, such as a name and a colour. Default: any JSON. */
  readonly presence?: Data;
  /** How long a session that merely broke off stays present, ms. Default: the hub's `leaveAfterMs`, 5,000. */
  readonly leaveAfterMs?: number;
  /** Events that pass, such as typing or a pointer's place: told once to who is there, never kept. Default: none. */
  readonly ephemeral?: Ephemeral;
  /** How long one of these counts where no later one of its kind and session comes, ms. Default 5,000. */
  readonly ephemeralForMs?: number;
  /** Default: publish `server`, everything else `authorized`. `presence` is to see who is there and to be there. */
  readonly access?: Partial<ContractBody<Events, State>['access']>;
}

const DEFAULT_ACCESS = {
  subscribe: 'authorized',
  publish: 'server',
  presence: 'authorized',
  ephemeral: 'authorized',
} as const;

const DEFAULT_HISTORY = { size: 1_000, maxAgeMs: 24 * 60 * 60 * 1_000 } as const;

/**
 * Describes a type of channel once; everything typed follows from it, with no generics at the call site.
 *
 * ```ts
 * const jobProgress = defineChannel({
 *   type: 'job_progress',
 *   params: ['jobId'],
 *   events: { progressed: v.object({ done: v.number() }) },
 * });
 * await hub.publish(jobProgress.of({ jobId: '7' }), { type: 'progressed', data: { done: 0.5 } });
 * ```
 * Five type parameters, three more than the house allows: parameters, events, state, presence and ephemeral events are
 * independent, and a bundle of them would have to be written out at the call site.
 * @throws MillraceError `contract/invalid` at once when the definition contradicts itself
 */
export function defineChannel<
  const Param extends string = never,
  Events extends EventSchemas = EventSchemas,
  State = undefined,
  Data extends StandardSchema = StandardSchema,
  Ephemeral extends EventSchemas = NoEvents,
>(
  definition: ChannelDefinition<Param, Events, State, Data, Ephemeral>,
): Contract<Param, Events, State, Data, Ephemeral> {
  checkDefinition(definition);
  const { type, events, state } = definition;
  const params = definition.params ?? [];
  const contract: Contract<Param, Events, State, Data, Ephemeral> = {
    type,
    params,
    version: definition.version ?? 1,
    events,
    state,
    history: { ...DEFAULT_HISTORY, ...definition.history },
    deliver: definition.deliver ?? 'events',
    everyMs: definition.everyMs ?? 100,
    presence: definition.presence,
    leaveAfterMs: definition.leaveAfterMs,
    ephemeral: definition.ephemeral,
    ephemeralForMs: definition.ephemeralForMs ?? 5_000,
    access: { ...DEFAULT_ACCESS, ...definition.access },
    matches: (name) => matchesChannelType(name, type, params.length),
    of: (...[values]) => ({ name: encodeChannelName(type, params, values ?? {}), contract }),
  };
  return contract;
}

/** What is checked, whatever the types of the rest. */
type AnyDefinition = Omit<
  ChannelDefinition<string, EventSchemas, unknown, StandardSchema, EventSchemas>,
  'state'
> & { readonly state?: unknown };

function checkDefinition(definition: AnyDefinition): void {
  const { type, events, ephemeral = {}, history, version, everyMs } = definition;
  const params = definition.params ?? [];
  if (!isChannelType(type)) fail(type, 'its type must be a lower-case word of a–z, 0–9 and _');
  if (new Set(params).size !== params.length) fail(type, 'two parameters have the same name');
  if (Object.keys({ ...events, ...ephemeral }).length === 0) fail(type, 'it has no events');
  const twice = Object.keys(ephemeral).find((name) => Object.hasOwn(events, name));
  if (twice !== undefined) fail(type, `"${twice}" is both an event and an ephemeral one`);
  if (definition.deliver === 'state' && definition.state === undefined) {
    fail(type, "deliver: 'state' needs a state with `initial` and `reduce`");
  }
  const wholes = {
    version,
    everyMs,
    leaveAfterMs: definition.leaveAfterMs,
    ephemeralForMs: definition.ephemeralForMs,
    'history.size': history?.size,
    'history.maxAgeMs': history?.maxAgeMs,
  };
  for (const [name, value] of Object.entries(wholes)) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      fail(type, `${name} must be a whole number above 0`);
    }
  }
}

function fail(type: string, problem: string): never {
  throw new MillraceError(
    'contract/invalid',
    `The contract of "${type}" cannot be used: ${problem}.`,
  );
}
