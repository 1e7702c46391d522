// The series as columns, and the order of the agents.

import { describe, expect, it } from 'vitest';
import type { EquitySeries } from '../../../shared/equity-series.ts';
import type { AccountPoint } from '../../../shared/market-events.ts';
import { equityColumns } from './equity-data.ts';
import { rankAgents } from './rank-agents.ts';

const account = (agentId: string, equity: number): AccountPoint => ({
  agentId,
  equity,
  cash: 0,
  profit: 0,
  dayProfit: 0,
});

const series: EquitySeries = {
  agentIds: ['a', 'b'],
  everyTicks: 2,
  points: [{ tick: 2, time: '2026-01-05T14:30:02.000Z', equity: [100, 200] }],
  latest: {
    tick: 3,
    time: '2026-01-05T14:30:03.000Z',
    accounts: [account('a', 101), account('b', 199)],
  },
};

describe('equityColumns', () => {
  it('ends with the newest tick, also where the thinned series left it out', () => {
    const { columns, times } = equityColumns(series);
    const [ticks, a, b] = columns;
    expect(ticks).toEqual([2, 3]);
    expect(times.at(-1)).toBe('2026-01-05T14:30:03.000Z');
    expect(a).toEqual([100, 101]);
    expect(b).toEqual([200, 199]);
  });
});

describe('rankAgents', () => {
  it('puts the richest first and leaves out who has no account yet', () => {
    const agents = ['a', 'b', 'c'].map((id) => ({
      id,
      name: id,
      color: '#000000',
      description: '',
      startingCash: 0,
    }));
    const ranked = rankAgents(agents, [account('a', 101), account('b', 199)]);
    expect(ranked.map((one) => one.agent.id)).toEqual(['b', 'a']);
  });
});
