// The wall clock of a node, which can be made to jump as an operator or a time server would: `Date.now` and `new Date`
// move, `performance.now` and timers do not. Imported before everything else, so that nobody holds the real one.
// (A preloaded libfaketime would move the monotonic clock too, which no real system does.)

const RealDate = Date;
const realNow = Date.now.bind(Date);
let shiftMs = 0;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [realNow() + shiftMs] : args, newTarget) as Date,
  apply: () => new RealDate(realNow() + shiftMs).toString(),
  get: (target, name) =>
    name === 'now' ? shiftedNow : (Reflect.get(target, name, target) as unknown),
});

function shiftedNow(): number {
  return realNow() + shiftMs;
}

export function jumpClock(byMs: number): void {
  shiftMs += byMs;
}
