// Runs the transport conformance cases over real sockets, on each carrier.

import { describe, expect, test } from 'vitest';
import { skipReason, transportCases } from '../testing/transport-cases.ts';
import { createTransportSubject } from '../testing/transport-subject.ts';

for (const carrier of ['websocket', 'sse', 'poll'] as const) {
  describe(`over ${carrier}`, () => {
    for (const one of transportCases) {
      if (skipReason(one, carrier) !== null) continue;
      test(`${one.rule}: ${one.title}`, async () => {
        await using subject = await createTransportSubject(carrier);
        await expect(one.run(subject)).resolves.toBeUndefined();
      });
    }
  });
}
