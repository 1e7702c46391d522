// The online model learns what is there, learns nothing from noise, and scores itself fairly.
import { expect, test } from 'vitest';
import { createRandom } from '../../market/prng.ts';
import { firstModel, forecast, LOG_2, learn, type ModelState } from './online-model.ts';

/** Trains on random features; `signal` is how strongly the first one decides the outcome. */
function train(signal: number, examples: number): ModelState {
  const random = createRandom(`train ${signal}`);
  const model = firstModel(3);
  for (let n = 0; n < examples; n += 1) {
    const features = [random.normal(), random.normal(), random.normal()];
    const isUp = signal * (features[0] ?? 0) + random.normal() > 0;
    learn(model, { features, forecast: forecast(model, features), isUp });
  }
  return model;
}

test('it finds the feature that decides and leaves the others alone', () => {
  const { weights, hits, samples, recentLogLoss } = train(1, 20_000);
  expect(weights[0]).toBeGreaterThan(0.8);
  expect(Math.abs(weights[1] ?? 1)).toBeLessThan(0.1);
  expect(hits / samples).toBeGreaterThan(0.7);
  expect(recentLogLoss).toBeLessThan(0.9 * LOG_2);
});

test('on noise it stays a coin, and says so', () => {
  const { hits, samples, recentLogLoss } = train(0, 20_000);
  expect(Math.abs(hits / samples - 0.5)).toBeLessThan(0.02);
  expect(Math.abs(recentLogLoss - LOG_2)).toBeLessThan(0.01);
});

test('its score is of forecasts made before learning: a first example can only be a coin toss', () => {
  const model = firstModel(1);
  const before = forecast(model, [1]);
  expect(before).toBe(0.5);
  learn(model, { features: [1], forecast: before, isUp: true });
  expect(model).toMatchObject({ samples: 1, hits: 0 });
  expect(forecast(model, [1])).toBeGreaterThan(0.5);
});
