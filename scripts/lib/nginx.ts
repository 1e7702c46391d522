// The proxy of the end-to-end tests, as most servers have it in front: Debian's nginx, never the system's own instance.
import { ensureInstalled } from './apt.ts';

/** Returns what stands in the way, or `undefined` when there is an nginx. */
export function ensureNginx(say: (line: string) => void): Promise<string | undefined> {
  return ensureInstalled({ name: 'nginx', packages: ['nginx'], file: '/usr/sbin/nginx', say });
}
