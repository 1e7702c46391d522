// The five agents of the demo. In your app: fetch them, or write down your own.

import type { Agent } from '@millrace/ui';

export const agents: readonly Agent[] = [
  { id: 'claude_arbitrage', name: 'Claude Arbitrage', color: '#A0826D' },
  { id: 'chatgpt_openai', name: 'GPT-4 Momentum', color: '#C9B1E0' },
  { id: 'gemini_grid', name: 'Gemini Grid', color: '#9CAF88' },
  { id: 'deepseek_ml', name: 'DeepSeek ML', color: '#1E90FF' },
  { id: 'buy_and_hold', name: 'Buy & Hold', color: '#000000' },
];
