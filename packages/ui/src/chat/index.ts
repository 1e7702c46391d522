// Public entry of @millrace/ui/chat: chats with an AI. Load `@millrace/ui/styles.css` beside it.

export { ChatInterface, type ChatInterfaceProps } from './chat-interface.tsx';
export { MarkdownRenderer, type MarkdownRendererProps } from './markdown-renderer.tsx';
