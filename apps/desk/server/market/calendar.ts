// Simulated time: weekdays, one session a day from 09:30 to 16:00 UTC, cut into equal ticks.
// Refuses to own: real time. How fast ticks follow each other is the caller's business.
import { misuse } from './misuse.ts';

const DAY_MS = 86_400_000;
const OPEN_MS = 9.5 * 3_600_000;
const SESSION_MS = 6.5 * 3_600_000;

/** The instant of a tick. `startDate` is `YYYY-MM-DD`, the weekday on which day 0 falls. */
export function sessionTime(
  startDate: string,
  at: { day: number; tickOfDay: number; ticksPerDay: number },
): string {
  const start = Date.parse(`${startDate}T00:00:00Z`);
  const weekday = (new Date(start).getUTCDay() + 6) % 7;
  if (Number.isNaN(start) || weekday > 4) {
    throw misuse(`startDate "${startDate}" is not a weekday: give one as YYYY-MM-DD.`);
  }
  const index = weekday + at.day;
  const calendarDays = Math.floor(index / 5) * 7 + (index % 5) - weekday;
  const within = Math.floor((at.tickOfDay * SESSION_MS) / at.ticksPerDay);
  return new Date(start + calendarDays * DAY_MS + OPEN_MS + within).toISOString();
}

/** Minutes since midnight UTC of an ISO instant. */
export function minuteOfDay(time: string): number {
  return Math.floor((Date.parse(time) % DAY_MS) / 60_000);
}

/** Sessions between two instants, in parts of a session: nights and weekends are none. */
export function sessionsBetween(from: string, to: string): number {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  let openMs = 0;
  for (let day = Math.floor(start / DAY_MS) * DAY_MS; day < end; day += DAY_MS) {
    if ((new Date(day).getUTCDay() + 6) % 7 > 4) continue;
    const [opens, closes] = [day + OPEN_MS, day + OPEN_MS + SESSION_MS];
    openMs += Math.max(0, Math.min(end, closes) - Math.max(start, opens));
  }
  return openMs / SESSION_MS;
}

/** Whether the instant falls into a session, its closing included. */
export function isInSession(time: string): boolean {
  const at = Date.parse(time);
  const [day, within] = [Math.floor(at / DAY_MS) * DAY_MS, at % DAY_MS];
  const isWeekday = (new Date(day).getUTCDay() + 6) % 7 <= 4;
  return isWeekday && within >= OPEN_MS && within <= OPEN_MS + SESSION_MS;
}
