// One line per piece of work: what begins, then how long it took. `Stop` is a failure that is
// already explained in plain words, so it is shown without a stack.

export class Stop extends Error {}

/** Says what begins, does it, says that it is done and how long it took. */
export async function tell(what, work) {
  const began = Date.now();
  process.stdout.write(`${what} …`);
  try {
    await work();
  } catch (error) {
    process.stdout.write(' failed\n');
    throw error;
  }
  process.stdout.write(` ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
}
