import { describe, expect, it } from 'vitest';
import { monogram } from './agent.ts';

describe('monogram', () => {
  it.each([
    ['Claude Arbitrage', 'CA'],
    ['GPT-4 Momentum', 'G4'],
    ['Buy & Hold', 'BH'],
    ['DeepSeek ML', 'DM'],
    ['solo', 'S'],
    ['Émile Zola', 'ÉZ'],
    ['…', '?'],
    ['', '?'],
  ])('of "%s" is "%s"', (name, letters) => {
    expect(monogram(name)).toBe(letters);
  });
});
