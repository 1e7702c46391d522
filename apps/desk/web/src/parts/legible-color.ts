// A colour that stays readable on the ground it is drawn on: an agent's own colour may be black on a dark page.
// Contrast after WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.

type Rgb = readonly [number, number, number];

/** `color` mixed with white or black, in steps, until it contrasts with `ground` by at least `ratio` (3 for lines). */
export function legibleColor(color: string, ground: string, ratio = 3): string {
  const background = parseHex(ground);
  const target: Rgb = luminance(background) < 0.5 ? [255, 255, 255] : [0, 0, 0];
  const own = parseHex(color);
  for (let share = 0; share <= 1; share += 0.1) {
    const mixed = mix(own, target, share);
    if (contrast(mixed, background) >= ratio) return toHex(mixed);
  }
  return toHex(target);
}

/** `#rgb` or `#rrggbb`: a build shortens colours where it can. */
function parseHex(text: string): Rgb {
  const digits = text.trim().replace('#', '');
  const full = digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits;
  const value = Number.parseInt(full, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function toHex(color: Rgb): string {
  return `#${color.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (index: 0 | 1 | 2): number => from[index] + (to[index] - from[index]) * share;
  return [part(0), part(1), part(2)];
}

function contrast(a: Rgb, b: Rgb): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
