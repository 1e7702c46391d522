// Numbers and times as a person reads them. Locale fixed to en-US: the page's language is English.

const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const wholeDollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  maximumFractionDigits: 0,
});
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function formatPrice(amount: number): string {
  return dollars.format(amount);
}

export function formatDollars(amount: number): string {
  return wholeDollars.format(amount);
}

/** With its sign, a real minus, and no "-0". */
export function formatSignedDollars(amount: number): string {
  const rounded = Math.round(amount);
  return `${sign(rounded)}${wholeDollars.format(Math.abs(rounded))}`;
}

/** A share of 1 as percent with two decimals, signed. */
export function formatChange(share: number): string {
  const percent = Math.round(share * 10_000) / 100;
  return `${sign(percent)}${Math.abs(percent).toFixed(2)}%`;
}

export function formatWhole(count: number): string {
  return whole.format(count);
}

/** The market's own clock: hours and minutes, UTC. */
export function formatMarketTime(iso: string): string {
  return `${iso.slice(11, 16)} UTC`;
}

const monthAndDay = new Intl.DateTimeFormat('en-US', {
  month: 'short',
  day: 'numeric',
  timeZone: 'UTC',
});

/** The market's own day and clock, as an axis has room for. */
export function formatMarketMoment(iso: string): string {
  return `${monthAndDay.format(new Date(iso))}, ${iso.slice(11, 16)}`;
}

function sign(amount: number): string {
  if (amount > 0) return '+';
  return amount < 0 ? '−' : '';
}
