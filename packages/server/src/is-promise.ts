// Whether a user's function answered at once. By `then`: a promise may be of another realm, or a library's own.

export function isPromise<Value>(answer: Value | PromiseLike<Value>): answer is PromiseLike<Value> {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'then' in answer &&
    typeof answer.then === 'function'
  );
}
