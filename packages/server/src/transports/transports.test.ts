// Runs the transport conformance cases over real sockets, on each carrier, with direct writes and with public APIs only.

import { describe, expect, test } from 'vitest';
import { skipReason, transportCases } from '../testing/transport-cases.ts';
import { createTransportSubject } from '../testing/transport-subject.ts';

for (const directWrites of [true, false]) {
  // A poll is answered through its response either way.
  const carriers = ['websocket', 'sse', 'poll'] as const;
  for (const carrier of directWrites ? carriers : carriers.slice(0, 2)) {
    describe(`over ${carrier}, direct writes ${directWrites ? 'on' : 'off'}`, () => {
      for (const one of transportCases) {
        if (skipReason(one, carrier) !== null) continue;
        test(`${one.rule}: ${one.title}`, async () => {
          await using subject = await createTransportSubject(carrier, { directWrites });
          await expect(one.run(subject)).resolves.toBeUndefined();
        });
      }
    });
  }
}
