// What an outside schedule runs: asks a Desk to let its agents write. Plain JavaScript for any Node from 18 on,
// nothing to install. DESK_URL is the deployment, CRON_SECRET its secret. Exits with 0 only when messages were made.

const url = `${(process.env.DESK_URL ?? 'http://127.0.0.1:3000').replace(/\/+$/, '')}/api/chat/generate`;
const secret = process.env.CRON_SECRET ?? '';

try {
  const response = await fetch(url, {
    method: 'POST',
    headers: secret === '' ? {} : { authorization: `Bearer ${secret}` },
    signal: AbortSignal.timeout(30_000),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${answer?.error?.message ?? ''}`);
  console.log(`Generated ${answer.messagesGenerated} messages at ${answer.timestamp}`);
} catch (error) {
  const cause = error?.cause?.code ?? error?.message ?? String(error);
  console.error(`POST ${url} failed: ${cause}`);
  process.exitCode = 1;
}
