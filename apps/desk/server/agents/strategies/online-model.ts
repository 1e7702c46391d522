// A logistic regression learned online: one example at a time, by stochastic gradient descent.
// Judged prequentially: a forecast is scored before its example is trained on, so the hit rate is
// that of forecasts the model could not have known the answer to.
import { z } from 'zod';
import { logistic } from '../../market/exact-math.ts';

export type ModelState = {
  weights: number[];
  samples: number;
  hits: number;
  recentHitRate: number;
  recentLogLoss: number;
};

export const modelStateSchema: z.ZodType<ModelState> = z.object({
  weights: z.array(z.number()),
  samples: z.int().min(0),
  hits: z.int().min(0),
  recentHitRate: z.number(),
  recentLogLoss: z.number(),
});

/** Small, because ten instruments' examples over one horizon overlap and say nearly the same. */
const FIRST_RATE = 0.0015;
/** Examples after which the learning rate has fallen by a factor of √2. */
const RATE_HALF_LIFE = 8_000;
const SHRINKAGE = 0.0005;
const RECENT_WEIGHT = 1 / 1_000;

export function firstModel(features: number): ModelState {
  const weights = new Array<number>(features).fill(0);
  return { weights, samples: 0, hits: 0, recentHitRate: 0.5, recentLogLoss: LOG_2 };
}

/** Loss of knowing nothing: −log ½. */
export const LOG_2 = 0.693147180559945;

export function forecast(model: ModelState, features: readonly number[]): number {
  let score = 0;
  for (const [n, feature] of features.entries()) score += (model.weights[n] ?? 0) * feature;
  return logistic(score);
}

/** Scores the forecast that was made, then takes one gradient step on the example. */
export function learn(
  model: ModelState,
  example: {
    readonly features: readonly number[];
    readonly forecast: number;
    readonly isUp: boolean;
  },
): void {
  const { features, isUp } = example;
  const isHit = example.forecast > 0.5 === isUp;
  model.samples += 1;
  if (isHit) model.hits += 1;
  // A plain mean until a thousand examples are in, then a moving one.
  const weight = Math.max(1 / model.samples, RECENT_WEIGHT);
  model.recentHitRate += weight * ((isHit ? 1 : 0) - model.recentHitRate);
  const said = isUp ? example.forecast : 1 - example.forecast;
  model.recentLogLoss += weight * (-naturalLog(said) - model.recentLogLoss);

  const rate = FIRST_RATE / Math.sqrt(1 + model.samples / RATE_HALF_LIFE);
  const miss = (isUp ? 1 : 0) - forecast(model, features);
  for (const [n, feature] of features.entries()) {
    const before = model.weights[n] ?? 0;
    model.weights[n] = before + rate * (miss * feature - SHRINKAGE * before);
  }
}

/** Natural logarithm in exact arithmetic, for probabilities: x = m × 2^k, then a series in m. */
function naturalLog(value: number): number {
  let x = Math.max(value, 1e-9);
  let halvings = 0;
  while (x < 0.7) {
    x *= 2;
    halvings += 1;
  }
  const t = (x - 1) / (x + 1);
  let power = t;
  let sum = 0;
  for (let n = 1; n <= 17; n += 2) {
    sum += power / n;
    power *= t * t;
  }
  return 2 * sum - halvings * LOG_2;
}
