// Copying, with a word for two seconds that it was done.

import { useEffect, useState } from 'react';

const SHOWN_MS = 2_000;

export function useCopied(): [isCopied: boolean, copy: (text: string) => void] {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return [
    isCopied,
    (text) => {
      // Refused (no permission, no focus): the button says nothing, and the text can be selected.
      navigator.clipboard.writeText(text).then(
        () => setCopied(true),
        () => undefined,
      );
    },
  ];
}
