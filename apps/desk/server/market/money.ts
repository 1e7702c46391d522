// Exact money: every amount is a safe integer of 1/10 000 dollar (numeric(20,4) in the database).
// Owns: making, scaling and writing amounts. Refuses to own: currencies other than the dollar.
// Floats are fine for signals and ratios; they never hold money. A safe integer carries 900 billion
// dollars at this unit; products that leave the safe range go through BigInt.
import { misuse } from './misuse.ts';

/** An integer number of 1/10 000 dollar. */
export type Money = number;

const UNITS_PER_DOLLAR = 10_000;

/** A literal in dollars as an amount, rounded to the nearest unit. For constants, not for input. */
export function dollars(amount: number): Money {
  return Math.round(amount * UNITS_PER_DOLLAR);
}

/**
 * `amount × numerator / denominator`, exact, rounded half away from zero.
 * All three are safe integers; the denominator is positive.
 */
export function scale(amount: Money, numerator: number, denominator: number): Money {
  const product = amount * numerator;
  if (Number.isSafeInteger(product) && Number.isSafeInteger(2 * product + denominator)) {
    const size = product < 0 ? -product : product;
    const rounded = (size - (size % denominator)) / denominator;
    const up = (size % denominator) * 2 >= denominator ? 1 : 0;
    return product < 0 ? -(rounded + up) : rounded + up;
  }
  const wide = BigInt(amount) * BigInt(numerator);
  const size = wide < 0n ? -wide : wide;
  const rounded = (2n * size + BigInt(denominator)) / (2n * BigInt(denominator));
  return Number(wide < 0n ? -rounded : rounded);
}

/** For showing. Exact: a whole number of units over 10 000 is the double nearest to its decimal. */
export function toDollars(amount: Money): number {
  return amount / UNITS_PER_DOLLAR;
}

/** `-12.3400`: the exact decimal with four places, as a numeric column takes it. */
export function toDecimal(amount: Money): string {
  const size = Math.abs(amount);
  const whole = (size - (size % UNITS_PER_DOLLAR)) / UNITS_PER_DOLLAR;
  const rest = String(size % UNITS_PER_DOLLAR).padStart(4, '0');
  return `${amount < 0 ? '-' : ''}${whole}.${rest}`;
}

/** The amount a plain decimal (`12`, `-0.5`, `12.3456`) stands for; throws on anything else. */
export function fromDecimal(text: string): Money {
  const parts = /^(-?)(\d{1,11})(?:\.(\d{1,4}))?$/.exec(text.trim());
  if (parts === null) {
    throw misuse(`"${text}" is not an amount: write digits with at most four decimals.`);
  }
  const [, sign, whole = '0', rest = ''] = parts;
  const size = Number(whole) * UNITS_PER_DOLLAR + Number(rest.padEnd(4, '0'));
  return sign === '-' && size !== 0 ? -size : size;
}

/** `$1,234.50`, `-$3.07`: for people, to the cent. Rounds half away from zero. */
export function formatMoney(amount: Money): string {
  const cents = scale(Math.abs(amount), 100, UNITS_PER_DOLLAR);
  const whole = String((cents - (cents % 100)) / 100).replace(/\B(?=(\d{3})+$)/g, ',');
  const sign = amount < 0 && cents > 0 ? '-' : '';
  return `${sign}$${whole}.${String(cents % 100).padStart(2, '0')}`;
}
