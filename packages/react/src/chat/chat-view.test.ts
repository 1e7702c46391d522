// The list by itself: whatever is stored, written and on its way, in whatever order it becomes known.

import { EMPTY_RUN, type RunState } from '@millrace/protocol/runs';
import { describe, expect, it } from 'vitest';
import { type ChatMessage, keepEqual, parseHistory, questionParts } from './chat-message.ts';
import { type ChatRun, withConversation, withoutStored, withState } from './chat-runs.ts';
import { type ChatSource, messagesOf, statusOf } from './chat-view.ts';

const at = '2026-01-02T03:04:05.000Z';

function stored(role: ChatMessage['role'], id: string, runId: string | null): ChatMessage {
  const rest = { status: 'completed', error: null, createdAt: at } as const;
  return { id, role, parts: questionParts(id), text: id, runId, ...rest };
}

function run(runId: string, more: Partial<ChatRun> = {}): ChatRun {
  return {
    ...{ runId, messageId: `a-${runId}`, questionId: `q-${runId}`, question: `${runId}?` },
    ...{ replaces: [], createdAt: at, status: 'running', state: null, isSettled: false, ...more },
  };
}

function saying(text: string, status: RunState['status'] = 'running'): RunState {
  return { ...EMPTY_RUN, status, parts: questionParts(text) };
}

const nothing: ChatSource = { history: [], runs: [], sends: [], stopping: new Set() };
const ids = (source: Partial<ChatSource>): string[] =>
  messagesOf({ ...nothing, ...source }, new Map()).map(({ id }) => id);

describe('the list of a conversation', () => {
  it('has each answer behind its question, though it was stored later than the next question', () => {
    const history = [
      stored('user', 'q1', 'r1'),
      stored('user', 'q2', 'r2'),
      stored('assistant', 'a1', 'r1'),
    ];
    const runs = [run('r2', { questionId: 'q2' })];
    expect(ids({ history, runs })).toEqual(['q1', 'a1', 'q2', 'a-r2']);
  });

  it('keeps what belongs to nothing where it was', () => {
    const history = [stored('assistant', 'hello', null), stored('user', 'q1', null)];
    expect(ids({ history })).toEqual(['hello', 'q1']);
  });

  it('shows the newest try of a question, and the stored one hidden while that goes on', () => {
    const history = [stored('user', 'q1', 'r2'), stored('assistant', 'a1', 'r1')];
    const first = run('r1', { questionId: 'q1', status: 'failed', isSettled: true });
    const second = run('r2', { questionId: 'q1', replaces: ['r1'] });
    expect(ids({ history, runs: [first, second] })).toEqual(['q1', 'a-r2']);
    const done = [stored('user', 'q1', 'r2'), stored('assistant', 'a-r2', 'r2')];
    const runs = withoutStored([first, second], new Set(['q1', 'a-r2']));
    expect(runs).toEqual([]);
    expect(ids({ history: done, runs })).toEqual(['q1', 'a-r2']);
  });

  it('shows a question once, from wherever it is known first', () => {
    const send = { id: 'q-r1', text: 'r1?', createdAt: at, error: null };
    expect(ids({ sends: [send] })).toEqual(['q-r1']);
    expect(ids({ sends: [send], runs: [run('r1')] })).toEqual(['q-r1', 'a-r1']);
    const history = [stored('user', 'q-r1', 'r1')];
    expect(ids({ history, sends: [send] })).toEqual(['q-r1']);
    expect(ids({ history, sends: [send], runs: [run('r1')] })).toEqual(['q-r1', 'a-r1']);
  });

  it('keeps objects that have not changed', () => {
    const send = { id: 's', text: 's?', createdAt: at, error: null };
    const runs = [run('r1', { state: saying('so') })];
    const source = { ...nothing, history: [stored('user', 'q0', null)], runs, sends: [send] };
    const before = messagesOf(source, new Map());
    const known = new Map(before.map((one) => [one.id, one]));
    const after = messagesOf({ ...source, sends: [{ ...send }] }, known);
    expect(after.every((one, index) => one === before[index])).toBe(true);
    const more = messagesOf({ ...source, runs: withState(runs, 'r1', saying('so far')) }, known);
    expect(more.map((one, index) => one === before[index])).toEqual([true, true, false, true]);
    expect(
      keepEqual(
        before,
        before.map((one) => ({ ...one })),
      ),
    ).toEqual(before);
  });

  it('says how far things are', () => {
    expect(statusOf({ ...nothing, history: null })).toBe('loading');
    expect(statusOf(nothing)).toBe('ready');
    const failed = { id: 's', text: 's?', createdAt: at, error: 'Away.' };
    expect(statusOf({ ...nothing, sends: [failed] })).toBe('ready');
    expect(statusOf({ ...nothing, sends: [{ ...failed, error: null }] })).toBe('submitted');
    expect(statusOf({ ...nothing, runs: [run('r1')] })).toBe('submitted');
    const runs = [run('r1', { state: saying('so') })];
    expect(statusOf({ ...nothing, runs })).toBe('streaming');
    expect(statusOf({ ...nothing, runs, stopping: new Set(['r1']) })).toBe('stopping');
    expect(statusOf({ ...nothing, runs: withState(runs, 'r1', saying('so', 'stopping')) })).toBe(
      'stopping',
    );
  });

  it('takes the channels as they come: neither is put back by the other', () => {
    const { runs } = {
      runs: withConversation(
        [],
        {
          runs: [
            {
              ...{ runId: 'r1', messageId: 'a1', userId: 'u', question: 'One?', retryOf: null },
              status: 'queued',
            },
            {
              ...{
                runId: 'r2',
                messageId: 'a2',
                userId: 'u',
                question: { text: 'One?', messageId: 'q1' },
                retryOf: 'r1',
              },
              status: 'queued',
            },
          ],
          last: { runId: 'r0', messageId: 'a0', status: 'failed' },
        },
        at,
      ),
    };
    expect(
      runs.map(({ runId, questionId, question, replaces, status }) => ({
        runId,
        questionId,
        question,
        replaces,
        status,
      })),
    ).toEqual([
      { runId: 'r0', questionId: 'r0', question: '', replaces: [], status: 'failed' },
      { runId: 'r1', questionId: 'r1', question: 'One?', replaces: [], status: 'queued' },
      { runId: 'r2', questionId: 'q1', question: 'One?', replaces: ['r1'], status: 'queued' },
    ]);
    const ended = withState(runs, 'r1', saying('', 'stopped'));
    const late = withConversation(
      ended,
      { runs: [], last: { runId: 'r1', messageId: 'a1', status: 'completed' } },
      at,
    );
    expect(late).toBe(ended);
    expect(late[1]).toMatchObject({ status: 'stopped', isSettled: true });
  });

  it('reads what is stored, and nothing else', () => {
    const message = {
      id: 'a',
      role: 'assistant',
      text: 't',
      parts: [{ type: 'text' }, 1],
      status: 'stopped',
      runId: 'r',
      createdAt: at,
      sequence: 1,
    };
    expect(parseHistory({ messages: [message] })).toMatchObject([
      { id: 'a', status: 'stopped', runId: 'r', parts: [{ type: 'text' }] },
    ]);
    expect(() => parseHistory({})).toThrow('cannot be read');
    expect(() => parseHistory({ messages: [{ id: 1 }] })).toThrow('cannot be read');
  });
});
