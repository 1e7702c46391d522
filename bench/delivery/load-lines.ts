// What the load client prints: one JSON line for each phase, see bench/load/phases.c.

export interface ConnectLine {
  readonly phase: 'connect';
  readonly connections: number;
  readonly live: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly serverCpuS: number;
  readonly perServerCpuS: number;
  readonly loadCpuS: number;
  readonly rssBeforeKib: number;
  readonly rssKib: number;
}

export interface MemoryLine {
  readonly phase: 'idle' | 'gc';
  readonly live: number;
  readonly serverCpuS: number;
  readonly rssKib: number;
  readonly kibPerConnection: number;
}

/** What must be 0. */
interface Losses {
  readonly gaps: number;
  readonly duplicates: number;
  readonly reordered: number;
}

export interface DeliveryLine extends Losses {
  readonly phase: 'rate' | 'max';
  readonly burst: number;
  readonly deliveries: number;
  readonly perSecond: number;
  readonly serverCpuS: number;
  readonly serverCpuPercent: number;
  /** Deliveries for one second of the server's CPU, user and system. */
  readonly perServerCpuS: number;
  readonly loadCpuPercent: number;
  readonly perLoadCpuS: number;
  /** Cores that were used by anybody else. */
  readonly otherCpu: number;
  readonly messagesPerRead: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly negative: number;
  readonly publishErrors: number;
  readonly closed: number;
  readonly rssKib: number;
}

export interface WaveLine extends Losses {
  readonly phase: 'wave';
  readonly live: number;
  readonly answered: number;
  readonly seconds: number;
  readonly answerCpuS: number;
  readonly parkCpuS: number;
  readonly parkedRssKib: number;
}

export interface StormLine extends Losses {
  readonly phase: 'storm';
  readonly live: number;
  readonly seconds: number;
  readonly serverCpuS: number;
  readonly connectsPerSecond: number;
  readonly connectsPerServerCpuS: number;
  readonly loadCpuS: number;
  readonly caughtUp: number;
  readonly toldGaps: number;
  readonly lag: { readonly p99Ms: number; readonly maxMs: number } | null;
}

interface LineByPhase {
  readonly connect: ConnectLine;
  readonly idle: MemoryLine;
  readonly gc: MemoryLine;
  readonly rate: DeliveryLine;
  readonly max: DeliveryLine;
  readonly wave: WaveLine;
  readonly storm: StormLine;
}

export type LoadLine = LineByPhase[keyof LineByPhase];

const phases = ['connect', 'idle', 'gc', 'rate', 'max', 'wave', 'storm'];

/** @throws Error for a line that is none: a client that prints something else has gone wrong */
export function parseLoadLines(text: string): LoadLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const value: LoadLine = JSON.parse(line);
      if (!phases.includes(value.phase)) throw new Error(`the load client printed ${line}`);
      return value;
    });
}

export function linesOf<Phase extends keyof LineByPhase>(
  lines: readonly LoadLine[],
  phase: Phase,
): LineByPhase[Phase][] {
  return lines.filter((line): line is LineByPhase[Phase] => line.phase === phase);
}

/** Gaps, duplicates, reorderings, connections that ended: of all lines together. */
export function lossesOf(lines: readonly LoadLine[]): number {
  return lines.reduce((sum, line) => {
    const own = 'gaps' in line ? line.gaps + line.duplicates + line.reordered : 0;
    return sum + own + ('closed' in line ? line.closed : 0);
  }, 0);
}
