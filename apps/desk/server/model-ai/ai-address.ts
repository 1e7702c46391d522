// Where a model's AI may be: base URLs that users give are fetched by this server, from inside its network. Only http(s);
// in production only https, and no address of that network itself, by name or by number. Pure, but for a name's lookup,
// which checked-fetch.ts does with `isPrivateAddress` on what it resolves to.

import { BlockList, isIP, isIPv4 } from 'node:net';
import { MillraceError } from '@millrace/protocol';

export interface AddressRules {
  readonly isProduction: boolean;
  /** ALLOW_PRIVATE_AI_URLS. */
  readonly allowsPrivate: boolean;
}

/** Whether plain HTTP and addresses of this network are fine. */
export function isLax({ isProduction, allowsPrivate }: AddressRules): boolean {
  return !isProduction || allowsPrivate;
}

/** The base URL in one form, without a slash at its end. @throws MillraceError `request/invalid` */
export function parseBaseUrl(text: string, rules: AddressRules): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw refused('is no address that begins with https://');
  }
  if (url.username !== '' || url.password !== '') throw refused('must not hold a user or password');
  if (url.search !== '' || url.hash !== '') throw refused('ends with its path');
  if (!isLax(rules)) {
    if (url.protocol !== 'https:') throw refused('must begin with https:// on this server');
    const host = hostOf(url);
    if (isIP(host) !== 0 ? isPrivateAddress(host) : isLocalName(host)) {
      throw refused('is inside this server’s own network, which is not allowed here');
    }
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** Without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function isLocalName(host: string): boolean {
  return !host.includes('.') || /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/i.test(host);
}

function refused(why: string): MillraceError {
  return new MillraceError('request/invalid', `The base URL ${why}.`);
}

/** Everything that is not the public internet: this machine, its networks, link-local (cloud metadata), the rest reserved. */
const PRIVATE = blockList([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]);

/** What of IPv6 is public: global unicast, without what embeds or documents other addresses. */
const GLOBAL = blockList(['2000::/3']);
const NOT_GLOBAL = blockList(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return PRIVATE.check(address, 'ipv4');
  const plain = address.split('%')[0] ?? address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return isPrivateAddress(mapped);
  return !GLOBAL.check(plain, 'ipv6') || NOT_GLOBAL.check(plain, 'ipv6');
}

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net = '', bits = ''] = subnet.split('/');
    list.addSubnet(net, Number(bits), isIPv4(net) ? 'ipv4' : 'ipv6');
  }
  return list;
}
