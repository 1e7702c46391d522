// Public entry of @millrace/server/testing: conformance cases as data, for engines and transports of anyone's.

export { type EngineCase, type EngineSubject, engineCases } from './engine-cases.ts';
export { connectFrame, type MemoryLink, openMemoryLink } from './memory-link.ts';
export {
  closedNotes,
  listedNotes,
  type Note,
  openNotes,
  pacedNotes,
  testHubOptions,
} from './test-channels.ts';
export { type Carrier, type TestLink } from './tiny-clients.ts';
export type { TransportCase } from './transport-cases/transport-case.ts';
export { skipReason, transportCases } from './transport-cases.ts';
export { createTransportSubject, serveHub, type TransportSubject } from './transport-subject.ts';
