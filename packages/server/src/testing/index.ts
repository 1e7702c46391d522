// Public entry of @millrace/server/testing: conformance cases as data, for engines and transports of anyone's.

export { connectFrame, type MemoryLink, openMemoryLink } from './memory-link.ts';
export {
  closedNotes,
  listedNotes,
  type Note,
  openNotes,
  pacedNotes,
  testAuthenticate,
  testAuthorize,
  testContracts,
} from './test-channels.ts';
export { type Carrier, type TestLink } from './tiny-clients.ts';
export { skipReason, type TransportCase, transportCases } from './transport-cases.ts';
export { createTransportSubject, serveHub, type TransportSubject } from './transport-subject.ts';
