// Where one writes: Enter sends, Shift+Enter begins a line. While an answer comes its button stops it.

import { type ReactElement, useId, useLayoutEffect, useRef, useState } from 'react';

export interface ComposerProps {
  readonly placeholder: string;
  /** An answer is on its way. */
  readonly isAnswering: boolean;
  /** It was asked to stop. */
  readonly isStopping: boolean;
  onSend(text: string): void;
  /** Null: there is nothing yet that could be stopped. */
  readonly onStop: (() => void) | null;
}

const BORDERS_PX = 2;

/** As the server takes at most. */
const MAX_LENGTH = 8_000;

export function Composer(props: ComposerProps): ReactElement {
  const { placeholder, isAnswering, isStopping } = props;
  const [text, setText] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const isEmpty = text.trim() === '';

  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    // As high as its text, up to where the style sheet stops it; what is not shown has no height to take.
    element.style.height = 'auto';
    if (element.scrollHeight > 0) element.style.height = `${element.scrollHeight + BORDERS_PX}px`;
  }, [text]);

  function send(): void {
    if (isEmpty || isAnswering) return;
    props.onSend(text.trim());
    setText('');
  }

  return (
    <form
      className="mr-composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label className="mr-hidden" htmlFor={id}>
        Your question
      </label>
      <textarea
        ref={area}
        id={id}
        rows={1}
        value={text}
        maxLength={MAX_LENGTH}
        placeholder={placeholder}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          // Enter that ends a composition (Japanese, say) is not meant for us.
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {isAnswering ? (
        <button
          type="button"
          className="mr-send"
          data-does="stop"
          disabled={isStopping || props.onStop === null}
          onClick={props.onStop ?? undefined}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <rect x="4" y="4" width="8" height="8" rx="1.5" />
          </svg>
          {isStopping ? 'Stopping' : 'Stop'}
        </button>
      ) : (
        <button type="submit" className="mr-send" data-does="send" disabled={isEmpty}>
          <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d="M8 13V3M3.5 7.5 8 3l4.5 4.5" />
          </svg>
          Send
        </button>
      )}
    </form>
  );
}
