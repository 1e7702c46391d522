// Markdown of an answer, as it is written: blocks that stand are not rendered again. What draws it is a chunk of its own;
// until that is here the text is shown as it is, in the same place.

import { lazy, type ReactElement, Suspense } from 'react';

const MarkdownBody = lazy(async () => ({
  default: (await import('./markdown-body.tsx')).MarkdownBody,
}));

export interface MarkdownRendererProps {
  /**
   * Headings, emphasis, code, tables (GFM), lists, quotes, links. No HTML: it is shown as text. No image is ever loaded:
   * it becomes a link that names its host, since a picture's address can carry away what the text knows.
   */
  readonly content: string;
  /** More is on its way: what is open (a list, a code block, an emphasis) is shown as if it were closed. Default false. */
  readonly isStreaming?: boolean;
}

export function MarkdownRenderer({
  content,
  isStreaming = false,
}: MarkdownRendererProps): ReactElement {
  return (
    <div className="mr-md">
      <Suspense fallback={<p className="mr-md-plain">{content}</p>}>
        <MarkdownBody content={content} isStreaming={isStreaming} />
      </Suspense>
    </div>
  );
}
