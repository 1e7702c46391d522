// Ids that a page makes. `crypto.randomUUID` is missing on a page without TLS, as on a phone beside a developer's machine.

/** 128 random bits as hex. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
