// Which peers are proxies of ours: their `X-Forwarded-*` headers count, nobody else's do.

import { BlockList, isIP } from 'node:net';

/** Whether headers of a peer at this address may be believed. */
export type IsTrusted = (address: string) => boolean;

export function isAddressOrSubnet(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** `entries` are addresses, subnets, or `*` for every peer. */
export function createTrust(entries: readonly string[]): IsTrusted {
  if (entries.includes('*')) return () => true;
  const known = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) known.addAddress(address, family);
    else known.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    // An IPv4 peer of a dual-stack socket shows up as ::ffff:10.0.0.1.
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
    const family = isIP(plain);
    return family !== 0 && known.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}
