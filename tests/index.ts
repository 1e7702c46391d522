// The test bed and the probes for the workspace's other programs that measure: the benches. Nothing
// here is published. Tests import the files themselves.

export { freshVisit, type Visit } from './e2e/probe/first-message.ts';
export { streamBlocks, websocketBlocks } from './e2e/probe/networks.ts';
export { startProbeServer } from './e2e/probe/server.ts';
export { type Chromium, openChromium, type TestPage } from './support/chromium.ts';
export { createFaultyProxy, type FaultyProxy } from './support/faulty-proxy.ts';
export { openPageMeter, type PageMeter } from './support/page-meter.ts';
export { type ServerProcess, startServerProcess } from './support/server-process.ts';
export { freePort, tempFolder, until } from './support/wait.ts';
