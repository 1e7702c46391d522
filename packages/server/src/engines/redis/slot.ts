// Which of a cluster's 16,384 slots a name is in: CRC-16 (XMODEM) of its hash tag, as the Redis Cluster
// specification says. Needed to know on which node to listen; commands are routed by the client.

import { Buffer } from 'node:buffer';

const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;

export function slotOf(name: string): number {
  const open = name.indexOf('{');
  const close = open < 0 ? -1 : name.indexOf('}', open + 1);
  // An empty tag is none.
  return crc16(close > open + 1 ? name.slice(open + 1, close) : name) % SLOTS;
}

function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL;
    }
    crc &= 0xffff;
  }
  return crc;
}
