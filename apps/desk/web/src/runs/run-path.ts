// Addresses of the Runs page.

export function runPath(modelId: string, runId: string | null): string {
  const model = `/runs/${encodeURIComponent(modelId)}`;
  return runId === null ? model : `${model}/${encodeURIComponent(runId)}`;
}
