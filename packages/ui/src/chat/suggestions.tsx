// What one might ask, while nothing has been asked.

import type { ReactElement } from 'react';

const ABOUT_RUN = [
  'Why did this run lose money?',
  'What were its best and worst trades?',
  'How risky was it?',
  'Which rule would have helped?',
];
const ABOUT_ALL = ['Which of my runs did best?', 'Compare my last two runs', 'What can you do?'];

export function Suggestions(props: {
  readonly isAboutRun: boolean;
  /** Null: only shown. */
  readonly onAsk: ((text: string) => void) | null;
}): ReactElement {
  const { isAboutRun, onAsk } = props;
  return (
    <div className="mr-suggest">
      <p>
        {isAboutRun
          ? 'Ask about its trades, its risk, or what would have gone better.'
          : 'Ask about your models and their runs.'}
      </p>
      {onAsk !== null && (
        <ul>
          {(isAboutRun ? ABOUT_RUN : ABOUT_ALL).map((text) => (
            <li key={text}>
              <button type="button" className="mr-button" onClick={() => onAsk(text)}>
                {text}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
