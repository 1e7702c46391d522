// PLACEHOLDER until the analyst's own is merged.
import type { LanguageModel } from 'ai';
import type { Analyst } from './analyst.ts';

export function createAnalyst(): Analyst {
  const refuse = (): never => {
    throw new Error('There is no analyst yet.');
  };
  const model: LanguageModel = {
    specificationVersion: 'v4',
    provider: 'desk',
    modelId: 'built-in-analyst',
    supportedUrls: {},
    doGenerate: refuse,
    doStream: refuse,
  };
  return { model, tools: () => ({}) };
}
