// How questions are read: many wordings, slips of the finger, and what goes on from the question before.

import { describe, expect, test } from 'vitest';
import { spell } from './spelling.ts';
import { type Asked, understand } from './understand.ts';

function read(...questions: readonly string[]): Asked {
  const asked = questions.slice(0, -1);
  return understand({
    ...{ question: questions.at(-1) ?? '', asked, said: [], instructions: '', outcomes: [] },
  });
}

describe('a question alone', () => {
  test.each<[string, Asked['intent']]>([
    ['hi there', 'greeting'],
    ['Good morning!', 'greeting'],
    ['thanks a lot', 'thanks'],
    ['Are you an AI?', 'identity'],
    ['What are you?', 'identity'],
    ['What can you do?', 'help'],
    ['what can i ask you', 'help'],
    ['Please accept that rule', 'accept'],
    ['Will KELD go up?', 'forecast'],
    ['Should I buy QUIL?', 'forecast'],
    ['What happens tomorrow', 'forecast'],
    ['Why did it lose money?', 'why'],
    ['How come this run is down so badly?', 'why'],
    ['What went wrong here?', 'why'],
    ['explain the losses', 'why'],
    ['where did all the money go', 'why'],
    ['What are the best trades?', 'best'],
    ['Show me the top 3 winners', 'best'],
    ['Which were the biggest losses?', 'worst'],
    ['my single worst trade', 'worst'],
    ['what hurt the most', 'worst'],
    ['list the losing trades', 'losers'],
    ['show winning trades', 'winners'],
    ['How risky is it?', 'risk'],
    ['is this dangerous', 'risk'],
    ['When was the drawdown, and why?', 'drawdown'],
    ['How deep was the biggest drop from its peak?', 'drawdown'],
    ['has it recovered', 'drawdown'],
    ['Sharpe ratio', 'ratios'],
    ['how volatile is this?', 'ratios'],
    ['What is the total return?', 'returns'],
    ['How much money did I make?', 'returns'],
    ["what's my P&L", 'returns'],
    ['are we in the green', 'returns'],
    ['How did QUIL do?', 'symbol'],
    ['what about $TARN', 'symbol'],
    ['why did zuno lose', 'symbol'],
    ['Which symbols do best?', 'symbols'],
    ['results per ticker', 'symbols'],
    ['show the sells', 'side'],
    ['how do my buys perform', 'side'],
    ['When does it lose money?', 'hours'],
    ['results by hour', 'hours'],
    ['what time of day works best', 'hours'],
    ['between 10:00 and 11:30', 'hours'],
    ['Which day was the worst?', 'days'],
    ['what happened on 2026-01-07', 'days'],
    ['how was today', 'days'],
    ['longest losing streak', 'streaks'],
    ['how many losses in a row', 'streaks'],
    ['What did it pay in fees?', 'fees'],
    ['how expensive was all this trading', 'fees'],
    ['What does it hold?', 'positions'],
    ['current exposure', 'positions'],
    ['how much cash is left', 'positions'],
    ['What rule would have helped?', 'rules'],
    ['How can I avoid these losses?', 'rules'],
    ['Suggest something better', 'rules'],
    ['would a stop loss have helped', 'rules'],
    ['it trades too often', 'rules'],
    ['Which rules are in force?', 'rules in force'],
    ['Compare runs 1 and 2', 'compare'],
    ['which model is best', 'compare'],
    ['momentum vs grid', 'compare'],
    ['List all runs', 'list'],
    ['which models are there', 'list'],
    ['What did it do last, and why?', 'last'],
    ['latest trades', 'last'],
    ['why did it buy QUIL', 'last'],
    ['Tell me about trade #123', 'trade'],
    ['what about fill 77', 'trade'],
    ['How is it doing?', 'summary'],
    ['show stats', 'summary'],
    ['Give me an overview', 'summary'],
    ['What is the win rate?', 'statistics'],
    ['profit factor?', 'statistics'],
    ['How long does it hold a trade?', 'holding time'],
    ['what is the best pizza in town', 'unknown'],
    ['write me a poem about the sea', 'unknown'],
    ['qwertz uiop', 'unknown'],
    ['', 'unknown'],
  ])('"%s" is %s', (question, intent) => {
    expect(read(question).intent).toBe(intent);
  });

  test.each<[string, Asked['intent']]>([
    ['whats the drwadown', 'drawdown'],
    ['compair all modles', 'compare'],
    ['sumary please', 'summary'],
    ['worst traeds', 'worst'],
    ['loosing trades', 'losers'],
    ['how much comission did i pay', 'fees'],
    ['longest loosing steak', 'streaks'],
    ['what postions are open', 'positions'],
    ['which symbls do best', 'symbols'],
  ])('"%s" is read as it was meant', (question, intent) => {
    expect(read(question).intent).toBe(intent);
  });

  test('words that only look like others are left alone', () => {
    expect(spell('the town on a moss rug').text).toBe(' the town on a moss rug ');
    expect(spell("What's QUIL's P&L?").words).toEqual(['what', 'is', 'quil', 'is', 'pnl']);
  });
});

describe('what it names', () => {
  test.each<[string, Partial<Asked>]>([
    ['the 3 worst trades', { count: 3 }],
    ['top five trades', { count: 5 }],
    ['the worst trade', { count: 1 }],
    ['the last 4 orders', { count: 4 }],
    ['trades #12 and #30', { ids: [12, 30] }],
    ['compare runs 1, 3 and 4', { runs: [1, 3, 4] }],
    ['compare run #2 with run #5', { runs: [2, 5], ids: [] }],
    ['compare momentum and Buy & Hold', { models: ['GPT-4 Momentum', 'Buy & Hold'] }],
    ['compare "My model" with "Other one"', { models: ['My model', 'Other one'] }],
    ['QUIL and ZUNO', { symbols: ['QUIL', 'ZUNO'] }],
    ['how did tarn water do', { symbols: ['TARN'] }],
    ['what about aapl', { symbols: ['AAPL'] }],
    ['WHY DID IT LOSE MONEY', { symbols: [] }],
    ['trades at 10:00', { time: '10:00' }],
    ['from 10 to 12 utc', { time: '10-12' }],
    ['yesterday', { time: 'yesterday' }],
    ['I sold too early', { side: 'sell' }],
  ])('"%s"', (question, slots) => {
    expect(read(question)).toMatchObject(slots);
  });

  test('a "why" takes for granted that it lost or that it made money', () => {
    expect(read('Why did it lose?').premise).toBe('lost');
    expect(read('Why is it not profitable?').premise).toBe('lost');
    expect(read('Why did it make money?').premise).toBe('made');
    expect(read('Why?').premise).toBeNull();
  });
});

describe('what goes on from before', () => {
  test.each<[readonly string[], Partial<Asked>]>([
    [['the 3 best trades', 'and the worst?'], { intent: 'worst', count: 3 }],
    [['what were the worst trades', 'and the best ones?'], { intent: 'best' }],
    [['worst trades', 'more'], { intent: 'worst', count: 10 }],
    [['how did QUIL do', 'what about ZUNO?'], { intent: 'symbol', symbols: ['ZUNO'] }],
    [['best trades', 'what about aapl'], { intent: 'symbol', symbols: ['AAPL'] }],
    [['show the sells', 'and the buys?'], { intent: 'side', side: 'buy' }],
    [['what did it do last', 'why?'], { intent: 'last' }],
    [['trade #5', 'why?'], { intent: 'trade', ids: [5] }],
    [['how is it doing', 'why?'], { intent: 'why' }],
    [['compare runs 1 and 2', 'and run 3?'], { intent: 'compare', runs: [1, 2, 3] }],
    [['the worst trades', 'and the best?', 'why?'], { intent: 'best' }],
    // Whole questions stand on their own.
    [['the worst trades', 'and how risky is it?'], { intent: 'risk' }],
    [['why did it lose', 'thanks'], { intent: 'thanks' }],
    [['fees?', 'who are you'], { intent: 'identity' }],
  ])('%j', (questions, asked) => {
    expect(read(...questions)).toMatchObject(asked);
  });
});
