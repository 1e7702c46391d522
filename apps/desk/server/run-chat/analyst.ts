// Seam: what answers where no model is set, and the tools that every model gets. The run record is read as the asking
// user, so that a tool finds what they may see and nothing else.

import type { LanguageModel, ToolSet } from 'ai';
import type { Subject } from './session-rows.ts';

export interface Analyst {
  /** Rule-based, and says so. */
  readonly model: LanguageModel;
  /** For one answer. */
  tools(asking: Subject & { readonly userId: string }): ToolSet;
}
