// The one button of every page.

import type { ButtonHTMLAttributes, ReactElement } from 'react';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'solid' | 'plain';
}

const LOOKS = {
  solid: 'border-accent bg-accent text-accent-ink hover:brightness-110',
  plain: 'border-line bg-surface text-ink hover:bg-raised',
} as const;

export function Button({ look = 'plain', className = '', ...rest }: ButtonProps): ReactElement {
  return (
    <button
      type="button"
      {...rest}
      className={`inline-flex h-8 items-center gap-2 whitespace-nowrap rounded-md border px-3 text-[13px] font-medium transition disabled:cursor-default disabled:opacity-60 ${LOOKS[look]} ${className}`}
    />
  );
}
