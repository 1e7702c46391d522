// Public entry of @millrace/client/testing: a client without a server.

export { createFakeLink, type FakeLink, type FakeLinkOptions } from './fake-link.ts';
