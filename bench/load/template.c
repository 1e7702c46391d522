/* Texts with placeholders, for paths, requests and frames:
 *   %d index of the connection      %c number of its first channel       %l number of its link, from 1
 *   %0 … %9 numbers of its channels
 *   %s its session, 22 characters   %t its token, a line of --tokens     %% a percent sign
 *   %S its channels as items of the product's `connect`: from "now", or after the cursor it has reached */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *unescape(const char *text) {
  char *out = malloc(strlen(text) + 1), *at = out;
  for (; *text; text++) {
    if (*text != '\\' || !text[1]) { *at++ = *text; continue; }
    text++;
    *at++ = *text == 'r' ? '\r' : *text == 'n' ? '\n' : *text;
  }
  *at = 0;
  return out;
}

int channel_of(int connection_index, int slot) {
  return (connection_index * options.channels_each + slot) % options.channels;
}

static int items(char *out, const connection *c) {
  char *at = out;
  for (int slot = 0; slot < options.channels_each; slot++) {
    int channel = channel_of(c->index, slot);
    at += sprintf(at, "%s{\"channel\":\"bench:%d\",\"version\":1,", slot ? "," : "", channel);
    if (c->positions[slot].offset < 0) at += sprintf(at, "\"from\":\"now\"}");
    else at += sprintf(at, "\"cursor\":\"%s.%lld\"}", epochs[channel], (long long)c->positions[slot].offset);
  }
  return at - out;
}

int expand(char *out, int capacity, const char *text, const connection *c) {
  char *at = out, *end = out + capacity - 1024;
  for (; *text; text++) {
    if (at > end) fail("a text is too long: %.100s", text);
    if (*text != '%' || !text[1]) { *at++ = *text; continue; }
    text++;
    switch (*text) {
      case 'd': at += sprintf(at, "%d", c->index); break;
      case '0' ... '9': at += sprintf(at, "%d", channel_of(c->index, *text - '0')); break;
      case 'c': at += sprintf(at, "%d", channel_of(c->index, 0)); break;
      case 'l': at += sprintf(at, "%d", c->link); break;
      case 's': at += sprintf(at, "bench-%016d", c->index); break;
      case 't':
        if (c->index >= options.token_count) fail("no token for connection %d", c->index);
        at += sprintf(at, "%s", options.tokens[c->index]);
        break;
      case 'S': at += items(at, c); break;
      default: *at++ = *text;
    }
  }
  *at = 0;
  return at - out;
}

/* The payload that every publisher of the benches makes, see ../servers/control.ts. */
int make_payload(char *out, int channel, uint64_t n) {
  int length = sprintf(out, "{\"n\":%llu,\"t\":%llu,\"ch\":\"ch%d\",\"d\":\"", (unsigned long long)n, (unsigned long long)now_us(), channel);
  for (; length < options.payload_bytes - 2; length++) out[length] = 'a' + length % 26;
  memcpy(out + length, "\"}", 3);
  return length + 2;
}
