import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextDelayMs, startPolling } from './polling.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function poll(ask: (signal: AbortSignal) => Promise<void>): { stop: () => void; failed: string[] } {
  const failed: string[] = [];
  const onFailure = (error: Error): void => void failed.push(error.message);
  return { stop: startPolling({ intervalMs: 45_000, ask, onFailure, random: () => 1 }), failed };
}

describe('polling', () => {
  it('asks at once, then after each interval', async () => {
    const ask = vi.fn(() => Promise.resolve());
    const { stop } = poll(ask);
    expect(ask).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(44_999);
    expect(ask).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(ask).toHaveBeenCalledTimes(2);
    stop();
  });

  it('waits for a slow answer before it asks again', async () => {
    let finish: () => void = () => undefined;
    const ask = vi.fn(() => new Promise<void>((resolve) => void (finish = resolve)));
    const { stop } = poll(ask);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ask).toHaveBeenCalledTimes(1);
    finish();
    await vi.advanceTimersByTimeAsync(45_000);
    expect(ask).toHaveBeenCalledTimes(2);
    stop();
  });

  it('retries a failure sooner than the interval, slower each time', async () => {
    const ask = vi.fn(() => Promise.reject(new Error('no')));
    const { stop, failed } = poll(ask);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(ask).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(3_999);
    expect(ask).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(failed).toHaveLength(3);
    stop();
  });

  it('gives up an ask that hangs, as a failure', async () => {
    const ask = vi.fn(
      (signal: AbortSignal) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('gave up')));
        }),
    );
    const { stop, failed } = poll(ask);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(failed).toHaveLength(1);
    stop();
  });

  it('is silent after its stop: no ask, no failure, and the one under way is aborted', async () => {
    let seen: AbortSignal | null = null;
    const ask = vi.fn((signal: AbortSignal) => {
      seen = signal;
      return new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    const { stop, failed } = poll(ask);
    stop();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(seen).toMatchObject({ aborted: true });
    expect(ask).toHaveBeenCalledTimes(1);
    expect(failed).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never waits longer than the interval', () => {
    expect(nextDelayMs(0, 45_000, 0)).toBe(45_000);
    expect(nextDelayMs(1, 45_000, 0)).toBe(1_000);
    expect(nextDelayMs(20, 45_000, 1)).toBe(45_000);
  });
});
