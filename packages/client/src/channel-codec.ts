// Between the wire and a contract's types: checks what arrives and folds it. The one place of the client where a
// type is asserted: a channel's name names its contract, which the compiler cannot know. Rules: CHAN-5, CHAN-7.

import {
  type ChannelEvent,
  type ContractBody,
  type Cursor,
  checkSchema,
  type EventOf,
  type EventSchemas,
  MillraceError,
  type Start,
  type Verdict,
} from '@millrace/protocol';

/** What a subscriber wants to hear. Callbacks may do anything; what they throw goes to `onError`. */
export interface SubscribeOptions<Events extends EventSchemas, State> {
  /** Where to begin the first time. Default `now`. With a contract that has state: its state, then what follows. */
  readonly start?: Start;
  onEvent?(event: EventOf<Events>, cursor: Cursor): void;
  /** After each snapshot and each batch of events; only for contracts with state. */
  onState?(state: State, cursor: Cursor): void;
  /** Once before the first event, and again whenever continuity broke. */
  onVerdict?(verdict: Verdict): void;
  /** The channel ended, and everything up to there has been delivered. */
  onEnd?(cursor: Cursor): void;
}

/** Contract and options without their types. */
export type ErasedContract = ContractBody<EventSchemas, unknown>;
export type ErasedOptions = SubscribeOptions<EventSchemas, unknown>;

/** A contract, or options, without their types. */
export function erase<Erased>(typed: unknown): Erased {
  return typed as Erased;
}

/** The event with its data as the schema gives it; null when the contract has no such event. @throws as `checkData` */
export function decodeEvent(contract: ErasedContract, event: ChannelEvent): ChannelEvent | null {
  const checked = checkData(contract, event.type, event.data);
  return checked === null ? null : { ...event, data: checked.value };
}

/**
 * The data as its schema gives it; null when the contract has no such event.
 * @throws MillraceError `contract/invalid-event`
 */
export function checkData<Events extends EventSchemas, State>(
  contract: ContractBody<Events, State>,
  type: string,
  data: unknown,
): { readonly value: unknown } | null {
  const schema = Object.hasOwn(contract.events, type) ? contract.events[type] : undefined;
  if (schema === undefined) return null;
  const checked = checkSchema(schema, data);
  if ('value' in checked) return checked;
  throw new MillraceError(
    'contract/invalid-event',
    `Not a "${type}" of "${contract.type}": ${checked.problems.join('; ')}`,
  );
}
