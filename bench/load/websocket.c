/* WebSocket frames, RFC 6455, as far as a client needs them that trusts its server: no fragments, no
 * extensions, one fixed mask (a mask protects proxies, and there is none). */
#include "load.h"
#include <string.h>

void send_frame(connection *c, int opcode, const char *bytes, int length) {
  static char frame[20000];
  static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
  if (length > 19000) fail("a frame of %d bytes", length);
  int head = 2;
  frame[0] = 0x80 | opcode;
  if (length < 126) frame[1] = 0x80 | length;
  else {
    frame[1] = (char)(0x80 | 126);
    frame[2] = length >> 8;
    frame[3] = length;
    head = 4;
  }
  memcpy(frame + head, mask, 4);
  for (int i = 0; i < length; i++) frame[head + 4 + i] = bytes[i] ^ mask[i & 3];
  send_bytes(c, frame, head + 4 + length);
}

/* Returns how many bytes were used. */
int read_frames(connection *c, char *bytes, int length, uint64_t now) {
  int used = 0;
  while (length - used >= 2 && c->state != DEAD) {
    const unsigned char *frame = (unsigned char *)bytes + used;
    int head = 2;
    uint64_t size = frame[1] & 127;
    if (size == 126) {
      if (length - used < 4) break;
      size = frame[2] << 8 | frame[3];
      head = 4;
    } else if (size == 127) {
      if (length - used < 10) break;
      size = 0;
      for (int i = 0; i < 8; i++) size = size << 8 | frame[2 + i];
      head = 10;
    }
    if (size > 2u << 20) fail("a frame of %llu bytes", (unsigned long long)size);
    if ((uint64_t)(length - used) < head + size) break;
    char *body = bytes + used + head;
    switch (frame[0] & 15) {
      case 1: case 2: take_message(c, body, size, now); break;
      case 8: fail_connection(c); break;
      case 9: send_frame(c, 10, body, size); break;
    }
    used += head + size;
  }
  return used;
}
