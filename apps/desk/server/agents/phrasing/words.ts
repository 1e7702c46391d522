// How figures are written in agents' messages: one way for each kind of number.
import type { Venue } from '../../market/instrument.ts';
import { formatMoney, type Money } from '../../market/money.ts';

export const money: (amount: Money) => string = formatMoney;

/** `+$12.30`, `-$4.00`, `$0.00`. */
export function signedMoney(amount: Money): string {
  return `${amount > 0 ? '+' : ''}${formatMoney(amount)}`;
}

/** `+0.42%`; the argument is in percent. */
export function signedPercent(percent: number, digits = 2): string {
  const text = Math.abs(percent).toFixed(digits);
  const isZero = Number(text) === 0;
  return `${isZero ? '' : percent > 0 ? '+' : '-'}${text}%`;
}

/** `42.0%` of a ratio between 0 and 1. */
export function share(ratio: number, digits = 1): string {
  return `${(ratio * 100).toFixed(digits)}%`;
}

/** `3.2 bp`: hundredths of a percent, as traders say it. */
export function basisPoints(bps: number): string {
  return `${bps.toFixed(1)} bp`;
}

export function whole(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 share`, `1,204 shares`. */
export function plural(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `11:42`, market time. */
export function clock(time: string): string {
  return time.slice(11, 16);
}

export function venueName(venue: Venue): string {
  return venue === 'harbour' ? 'Harbour' : 'Meridian';
}

/** `A`, `A and B`, `A, B and C`. */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}
