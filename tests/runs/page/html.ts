// The document around the page of the chats, whose script stands beside it as `/page.js`.

export const PAGE_HTML: string =
  '<!doctype html><title>Chat</title><div id="root"></div><script type="module" src="/page.js"></script>';
