// Whether a GET may start an answer (spec E1): only one that another site's page can't make in its visitor's name. A
// native EventSource of ours is of the same origin, or has a ticket; a program has its token. Pure.

export interface StartingGet {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly hasTicket: boolean;
  readonly isProduction: boolean;
}

export function mayStart({ headers, hasTicket, isProduction }: StartingGet): boolean {
  // Who comes back reads on.
  if (isGiven(headers['last-event-id'])) return false;
  if (hasTicket || isGiven(headers['authorization'])) return true;
  if (headers['sec-fetch-site'] === 'same-origin') return true;
  if (isProduction) return false;
  // A program, such as `curl -N`: a browser says at least one of these.
  return !isGiven(headers['origin']) && !isGiven(headers['sec-fetch-site']);
}

function isGiven(header: string | readonly string[] | undefined): boolean {
  return header !== undefined && header.length > 0;
}
