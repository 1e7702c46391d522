/* The server's half of a WebSocket handshake (RFC 6455): SHA-1 and base64 of a short text, by hand, so that
 * the limit server needs nothing but libc. */
#define _GNU_SOURCE
#include "handshake.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotate(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void sha1_block(uint32_t *h, const uint8_t *block) {
  uint32_t w[80];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (int i = 0; i < 80; i++) {
    uint32_t f, k;
    if (i < 20) { f = (b & c) | (~b & d); k = 0x5A827999; }
    else if (i < 40) { f = b ^ c ^ d; k = 0x6ED9EBA1; }
    else if (i < 60) { f = (b & c) | (b & d) | (c & d); k = 0x8F1BBCDC; }
    else { f = b ^ c ^ d; k = 0xCA62C1D6; }
    uint32_t next = rotate(a, 5) + f + e + k + w[i];
    e = d; d = c; c = rotate(b, 30); b = a; a = next;
  }
  h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e;
}

/* Of at most 119 bytes: two blocks. */
static void sha1(const char *text, size_t length, uint8_t *out) {
  uint32_t h[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
  uint8_t padded[128] = { 0 };
  size_t size = (length + 9 + 63) / 64 * 64;
  memcpy(padded, text, length);
  padded[length] = 0x80;
  for (int i = 0; i < 8; i++) padded[size - 1 - i] = (uint64_t)length * 8 >> (8 * i);
  for (size_t at = 0; at < size; at += 64) sha1_block(h, padded + at);
  for (int i = 0; i < 20; i++) out[i] = h[i / 4] >> (24 - 8 * (i % 4));
}

static void base64(const uint8_t *bytes, int length, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < length; i += 3) {
    uint32_t v = bytes[i] << 16 | (i + 1 < length ? bytes[i + 1] << 8 : 0) | (i + 2 < length ? bytes[i + 2] : 0);
    *out++ = digits[v >> 18];
    *out++ = digits[v >> 12 & 63];
    *out++ = i + 1 < length ? digits[v >> 6 & 63] : '=';
    *out++ = i + 2 < length ? digits[v & 63] : '=';
  }
  *out = 0;
}

int accept_handshake(const char *key, char *out) {
  char text[128], answer[40];
  uint8_t hash[20];
  int length = strcspn(key, "\r\n");
  if (length > 60) length = 60;
  memcpy(text, key, length);
  strcpy(text + length, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  sha1(text, length + 36, hash);
  base64(hash, 20, answer);
  return sprintf(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", answer);
}
