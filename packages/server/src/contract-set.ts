// The contracts of a hub, found by a channel's name. Rules: SUB-6, CHAN-1.

import {
  type ChannelEvent,
  type ContractBody,
  type EventSchemas,
  MillraceError,
  parseChannelParams,
} from '@millrace/protocol';

/** A contract whose types are not known here; every contract is one. */
export interface AnyContract extends Omit<ContractBody<EventSchemas, unknown>, 'state'> {
  readonly state: AnyState | undefined;
}

export interface AnyState {
  readonly initial: unknown;
  // A method, so that a reducer of narrower types fits: its contract's schemas let nothing else in.
  reduce(state: unknown, event: ChannelEvent): unknown;
  readonly migrate?: (state: unknown, fromVersion: number) => unknown;
}

/** A channel as `authorize` sees it. */
export interface ChannelInfo {
  readonly name: string;
  readonly type: string;
  /** The parameters' values, decoded, in the contract's order. */
  readonly params: readonly string[];
}

export interface KnownChannel {
  readonly contract: AnyContract;
  readonly info: ChannelInfo;
}

export interface ContractSet {
  /** Null when no contract has such channels. */
  find(name: string): KnownChannel | null;
  /** Whether it is one of these itself: then its own channels need not be found by their names. */
  has(contract: object): boolean;
}

/** @throws MillraceError `contract/invalid` when two contracts have the same type */
export function createContractSet(contracts: readonly AnyContract[]): ContractSet {
  const byType = new Map<string, AnyContract>();
  for (const contract of contracts) {
    if (byType.has(contract.type)) {
      throw new MillraceError(
        'contract/invalid',
        `Two contracts have the type "${contract.type}". Give each its own.`,
      );
    }
    byType.set(contract.type, contract);
  }
  const own = new Set<object>(contracts);
  return {
    has: (contract) => own.has(contract),
    find(name) {
      const colon = name.indexOf(':');
      const type = colon < 0 ? name : name.slice(0, colon);
      const contract = byType.get(type);
      if (contract === undefined || !contract.matches(name)) return null;
      const params = canonicalParams(name);
      return params === null ? null : { contract, info: { name, type, params } };
    },
  };
}

/** Null for an escape that is broken or not needed: otherwise one channel would have several names. */
function canonicalParams(name: string): string[] | null {
  if (!name.includes('%')) return parseChannelParams(name);
  try {
    const params = parseChannelParams(name);
    const canonical = [name.split(':')[0], ...params.map(encodeURIComponent)].join(':');
    return canonical === name ? params : null;
  } catch (thrown) {
    if (thrown instanceof URIError) return null;
    throw thrown;
  }
}
