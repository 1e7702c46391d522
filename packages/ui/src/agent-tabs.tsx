// The agents as tabs (WAI-ARIA tabs pattern, selection follows focus): arrows, Home and End move, one stop for Tab.

import type { KeyboardEvent, ReactElement, RefObject } from 'react';
import { type Agent, agentStyle } from './agent.ts';
import { AgentMark } from './agent-mark.tsx';

export interface AgentTabsProps {
  readonly listRef: RefObject<HTMLDivElement | null>;
  readonly agents: readonly Agent[];
  readonly selectedId: string | null;
  /** Ids of an agent's tab and panel in the page. */
  tabId(agentId: string): string;
  panelId(agentId: string): string;
  unread(agentId: string): number;
  onSelect(agentId: string): void;
}

export function AgentTabs(props: AgentTabsProps): ReactElement {
  const { listRef, agents, selectedId, tabId, panelId, unread: unreadOf, onSelect } = props;

  function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
    const at = agents.findIndex((agent) => agent.id === selectedId);
    const to = targetOf(event.key, at, agents.length);
    const agent = to === null ? undefined : agents[to];
    if (agent === undefined) return;
    event.preventDefault();
    onSelect(agent.id);
    event.currentTarget.ownerDocument.getElementById(tabId(agent.id))?.focus();
  }

  return (
    <div ref={listRef} className="mr-tabs" role="tablist" aria-label="Agents">
      {agents.map((agent) => {
        const isSelected = agent.id === selectedId;
        const unread = unreadOf(agent.id);
        return (
          <button
            key={agent.id}
            type="button"
            role="tab"
            className="mr-tab"
            title={agent.name}
            style={agentStyle(agent.color)}
            id={tabId(agent.id)}
            aria-selected={isSelected}
            aria-controls={panelId(agent.id)}
            tabIndex={isSelected ? 0 : -1}
            onClick={() => onSelect(agent.id)}
            onKeyDown={onKeyDown}
          >
            <AgentMark name={agent.name} />
            <span className="mr-tab-name">{agent.name}</span>
            {unread > 0 && (
              <span className="mr-tab-unread">
                {unread}
                <span className="mr-hidden"> new</span>
              </span>
            )}
          </button>
        );
      })}
    </div>
  );
}

function targetOf(key: string, at: number, count: number): number | null {
  switch (key) {
    case 'ArrowRight':
      return (at + 1) % count;
    case 'ArrowLeft':
      return (at - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
