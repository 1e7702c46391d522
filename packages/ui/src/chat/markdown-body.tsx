// What draws Markdown: Streamdown, with every element ours, no HTML, no image and only addresses of the web.

import {
  type ComponentProps,
  type CSSProperties,
  isValidElement,
  type ReactElement,
  type ReactNode,
} from 'react';
import { Streamdown, type StreamdownProps } from 'streamdown';
import { CodeBlock } from './code-block.tsx';
import { webAddress } from './web-address.ts';

/** What of an element's attributes is used. */
interface Drawn {
  readonly children?: ReactNode;
  readonly style?: CSSProperties;
  readonly start?: number;
  readonly href?: string;
  readonly src?: unknown;
  readonly alt?: string;
}

/**
 * The library types its elements by name and by index at once, which no component of plain props satisfies: each is
 * taken as an object, and read as what Markdown gives it.
 */
function drawn(draw: (props: Drawn) => ReactElement): (props: object) => ReactElement {
  return (props) => draw(props);
}

/** The element with its content and nothing else of what the library would set. */
function plain(
  Element: 'h3' | 'h4' | 'p' | 'ul' | 'li' | 'strong' | 'em' | 'del' | 'code' | Block,
  className?: string,
): (props: object) => ReactElement {
  return drawn(({ children }) => <Element className={className}>{children}</Element>);
}

type Block = 'blockquote' | 'thead' | 'tbody' | 'tr';

const COMPONENTS: NonNullable<StreamdownProps['components']> = {
  // A message's headings stand below the page's, and begin at whatever level the model likes: a level that was left out
  // would break the page's outline, so those that a message may begin with are one level, and differ in looks only.
  h1: plain('h3', 'mr-md-h1'),
  h2: plain('h3', 'mr-md-h2'),
  h3: plain('h3', 'mr-md-h3'),
  h4: plain('h4', 'mr-md-h3'),
  h5: plain('h4', 'mr-md-h3'),
  h6: plain('h4', 'mr-md-h3'),
  p: plain('p'),
  ul: plain('ul'),
  li: plain('li'),
  strong: plain('strong'),
  em: plain('em'),
  del: plain('del'),
  blockquote: plain('blockquote'),
  hr: drawn(() => <hr />),
  ol: drawn(({ children, start }) => <ol start={start}>{children}</ol>),
  inlineCode: plain('code'),
  pre: drawn(({ children }) => {
    // A block of code is a `code` within a `pre`, with its language as class.
    if (!isValidElement<ComponentProps<'code'>>(children)) return <pre>{children}</pre>;
    return <CodeBlock code={textOf(children.props.children)} language={children.props.className} />;
  }),
  table: drawn(({ children }) => (
    <div className="mr-md-table" role="group" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </div>
  )),
  thead: plain('thead'),
  tbody: plain('tbody'),
  tr: plain('tr'),
  th: drawn(({ children, style }) => (
    <th scope="col" style={style}>
      {children}
    </th>
  )),
  td: drawn(({ children, style }) => <td style={style}>{children}</td>),
  a: drawn(({ children, href }) => <WebLink href={href}>{children}</WebLink>),
  img: drawn(({ alt = '', src }) => (
    <WebLink href={typeof src === 'string' ? src : undefined}>
      {`[image: ${alt === '' ? 'no description' : alt}]`}
    </WebLink>
  )),
};

export function MarkdownBody({
  content,
  isStreaming,
}: {
  readonly content: string;
  readonly isStreaming: boolean;
}): ReactElement {
  return (
    <Streamdown
      className="mr-md-blocks"
      mode={isStreaming ? 'streaming' : 'static'}
      // Its own plugins read HTML; without them it stays text.
      rehypePlugins={[]}
      urlTransform={(url) => webAddress(url)?.href ?? null}
      components={COMPONENTS}
      controls={false}
    >
      {content}
    </Streamdown>
  );
}

/** One that leads nowhere we would go is its text. */
function WebLink({ href, children }: Pick<ComponentProps<'a'>, 'href' | 'children'>): ReactElement {
  const url = href === undefined ? null : webAddress(href);
  if (url === null) return <span>{children}</span>;
  return (
    <a
      href={url.href}
      title={url.protocol === 'mailto:' ? url.pathname : url.host}
      target="_blank"
      rel="noopener noreferrer nofollow"
    >
      {children}
    </a>
  );
}

function textOf(children: ReactNode): string {
  if (typeof children === 'string') return children;
  return Array.isArray(children) ? children.map(textOf).join('') : '';
}
