// Lists as JSON in the payloads of notifications. Anybody may notify on our channels: what is none is empty.

export function parseList(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return isList(value) ? value : [];
  } catch {
    // Somebody else's notification.
    return [];
  }
}

/** As \`Array.isArray\`, but for what its members are. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
