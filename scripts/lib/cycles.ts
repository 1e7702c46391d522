// Finds circles in a graph of files, one for each group of files that reach each other.

/** Each cycle begins and ends with the same file, the first of it by name. */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): readonly string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  const walk = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at !== -1) {
      cycles.push(fromFirst(trail.slice(at)));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of [...graph.keys()].sort()) walk(file, []);
  return cycles;
}

function fromFirst(cycle: readonly string[]): string[] {
  const first = [...cycle].sort()[0] ?? '';
  const at = cycle.indexOf(first);
  return [...cycle.slice(at), ...cycle.slice(0, at), first];
}
