import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFrameStore } from './frame-store.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function counter(): {
  source: { read(): number; attach(changed: () => void): () => void };
  add(): void;
  log: string[];
} {
  let count = 0;
  let notify: () => void = () => undefined;
  const log: string[] = [];
  return {
    source: {
      read: () => count,
      attach(changed) {
        log.push('attach');
        notify = changed;
        return () => void log.push('detach');
      },
    },
    add() {
      count += 1;
      notify();
    },
    log,
  };
}

describe('frame store', () => {
  it('tells its listeners once a frame, however much changes', () => {
    const { source, add } = counter();
    const store = createFrameStore(source);
    const listener = vi.fn();
    store.subscribe(listener);
    for (let round = 0; round < 100; round += 1) {
      add();
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(16);
    expect(store.getSnapshot()).toBe(100);
    // A second of changes at 100/s, in frames of 16 ms.
    expect(listener.mock.calls.length).toBeGreaterThan(30);
    expect(listener.mock.calls.length).toBeLessThanOrEqual(63);
  });

  it('keeps its snapshot until the listeners are told', () => {
    const { source, add } = counter();
    const store = createFrameStore(source);
    store.subscribe(() => undefined);
    add();
    expect(store.getSnapshot()).toBe(0);
    vi.advanceTimersByTime(16);
    expect(store.getSnapshot()).toBe(1);
  });

  it('goes on in a hidden page, which gets no frames', () => {
    vi.stubGlobal('requestAnimationFrame', () => 0);
    const { source, add } = counter();
    const store = createFrameStore(source);
    store.subscribe(() => undefined);
    add();
    vi.advanceTimersByTime(250);
    expect(store.getSnapshot()).toBe(1);
    vi.unstubAllGlobals();
  });

  it('attaches with the first listener and detaches after the last', async () => {
    const { source, log } = counter();
    const store = createFrameStore(source);
    expect(log).toEqual([]);
    const leave = [store.subscribe(() => undefined), store.subscribe(() => undefined)];
    leave[0]?.();
    await Promise.resolve();
    expect(log).toEqual(['attach']);
    leave[1]?.();
    leave[1]?.();
    await Promise.resolve();
    expect(log).toEqual(['attach', 'detach']);
  });

  it('stays attached when a listener leaves and another comes in one go', async () => {
    const { source, log } = counter();
    const store = createFrameStore(source);
    store.subscribe(() => undefined)();
    store.subscribe(() => undefined);
    await Promise.resolve();
    expect(log).toEqual(['attach']);
  });

  it('shows a later listener what came between the last frame and the detaching', async () => {
    const { source, add } = counter();
    const store = createFrameStore(source);
    const leave = store.subscribe(() => undefined);
    add();
    leave();
    await Promise.resolve();
    expect(store.getSnapshot()).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
