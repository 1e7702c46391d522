// The class names of a chat's outermost element.

/** `mr-chat`, what kind it is, and the caller's own; without one of those it fills its container. */
export function chatClassName(kind: string | null, className: string | undefined): string {
  return ['mr-chat', kind, className ?? 'mr-fill'].filter(Boolean).join(' ');
}
