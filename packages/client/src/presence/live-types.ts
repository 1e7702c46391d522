// The types that presence and ephemeral events take from a contract. Describes; does nothing.

import type { EventSchemas, SchemaInput, SchemaOutput, StandardSchema } from '@millrace/protocol';

/** What a session gives as its data; anything with a JSON form where the contract has no schema for it. */
export type InputOf<Schema extends StandardSchema> = SchemaInput<Schema>;

export type DataOf<Schema extends StandardSchema> = SchemaOutput<Schema>;

/** An ephemeral event as it is sent: a union discriminated by `type`. */
export type EphemeralInput<Events extends EventSchemas> = {
  [Name in keyof Events & string]: {
    readonly type: Name;
    readonly data: SchemaInput<Events[Name]>;
  };
}[keyof Events & string];

/** An ephemeral event as it is read. */
export type EphemeralOf<Events extends EventSchemas> = {
  [Name in keyof Events & string]: {
    readonly type: Name;
    readonly data: SchemaOutput<Events[Name]>;
    /** Whose it is: the member's id, and the session's; null for the server's own. */
    readonly from: { readonly id: string; readonly session: string } | null;
    /** When it came, ms since 1970, by this page's clock. */
    readonly at: number;
  };
}[keyof Events & string];
