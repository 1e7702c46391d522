// How dollars, percent and times of results are written, in tools' texts and in answers alike. Pure.
import { money, signedMoney, signedPercent } from '../agents/phrasing/words.ts';
import { dollars } from '../market/money.ts';

/** `$1,234.50`. */
export function usd(amount: number): string {
  return money(dollars(amount));
}

/** `+$12.30`, `-$4.00`, `$0.00`. */
export function usdSigned(amount: number): string {
  return signedMoney(dollars(amount));
}

/** `+5.20%`; `n/a` for what does not exist. */
export function pctSigned(percent: number | null): string {
  return percent === null ? 'n/a' : signedPercent(percent);
}

/** `26.4%`. */
export function pct(percent: number | null, digits = 1): string {
  return percent === null ? 'n/a' : `${percent.toFixed(digits)}%`;
}

export function ratio(value: number | null, digits = 2): string {
  return value === null ? 'n/a' : value.toFixed(digits);
}

/** `2026-01-05 10:42`, market time (UTC). */
export function stamp(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}

/** `2 d 3 h`, `1 h 20 min`, `12 min`, `under a minute`. */
export function duration(minutes: number | null): string {
  if (minutes === null) return 'n/a';
  if (minutes < 1) return minutes <= 0 ? 'the same moment' : 'under a minute';
  const whole = Math.round(minutes);
  const [days, hours, rest] = [
    Math.floor(whole / 1440),
    Math.floor((whole % 1440) / 60),
    whole % 60,
  ];
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return rest > 0 ? `${hours} h ${rest} min` : `${hours} h`;
  return `${rest} min`;
}

/** A drawdown, given above 0: `-2.61%`, `0.00%`. */
export function fall(percent: number): string {
  return pctSigned(-percent);
}
