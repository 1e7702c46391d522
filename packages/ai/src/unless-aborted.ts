// Waiting for what may never come, only as long as nobody says otherwise.

/** Rejects with the signal's reason once it aborts: who does not listen to it is not waited for. */
export function unlessAborted<Value>(
  work: PromiseLike<Value>,
  signal: AbortSignal,
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}
