// Agents' colours on both grounds.

import { describe, expect, it } from 'vitest';
import { legibleColor } from './legible-color.ts';

describe('legibleColor', () => {
  it('leaves a colour alone that reads well on its ground', () => {
    expect(legibleColor('#A0826D', '#ffffff')).toBe('#a0826d');
    expect(legibleColor('#000000', '#ffffff')).toBe('#000000');
    expect(legibleColor('#000000', '#fff')).toBe('#000000');
  });

  it('lightens black on a dark ground and darkens a pale colour on a light one', () => {
    expect(legibleColor('#000000', '#161b1f')).toMatch(/^#[6-9a-f]/);
    expect(legibleColor('#C9B1E0', '#ffffff')).not.toBe('#c9b1e0');
  });
});
