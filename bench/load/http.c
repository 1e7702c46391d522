/* HTTP/1.1 as a client: the request of each transport, heads, chunked bodies, event streams (the blank
 * line ends an event; what holds no `data:` is a comment), and the answers of long-polls, which say their
 * length. A poll that was answered asks again at once, or when a phase tells it to. */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void send_request(connection *c) {
  static char request[32768], path[2048], headers[4096], body[16384];
  expand(path, sizeof path, options.path, c);
  expand(headers, sizeof headers, options.headers, c);
  int length;
  if (options.transport == WEBSOCKET) {
    length = sprintf(request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, options.host, port_of(c), headers);
  } else if (!options.body) {
    length = sprintf(request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n%s\r\n", path, options.host, port_of(c), headers);
  } else {
    int body_length = expand(body, sizeof body, options.body, c);
    length = sprintf(request, "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
      path, options.host, port_of(c), body_length, headers, body);
  }
  c->link++;
  send_bytes(c, request, length);
}

/* Heads are searched without case: `Transfer-Encoding` and `transfer-encoding` are the same. */
static const char *header_of(char *head, char *end, const char *name) {
  char last = *end;
  *end = 0;
  const char *found = strcasestr(head, name);
  *end = last;
  return found ? found + strlen(name) : NULL;
}

/* Of a WebSocket or an event stream. Returns how many bytes were used. */
int read_head(connection *c, char *bytes, int length) {
  char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (!end) return 0;
  int head = end - bytes + 4, status = length > 12 ? atoi(bytes + 9) : 0;
  if (status != (options.transport == WEBSOCKET ? 101 : 200)) {
    static int told;
    if (!told++) fprintf(stderr, "refused: %.*s\n", length > 600 ? 600 : length, bytes);
    fail_connection(c);
    return length;
  }
  const char *encoding = header_of(bytes, end, "transfer-encoding: ");
  c->is_chunked = options.transport == SSE && encoding && !strncasecmp(encoding, "chunked", 7);
  take_steps(c);
  return head;
}

/* Where the event ends that begins at `at`: its blank line, or NULL. `skip` is how long that is. */
static char *end_of_event(char *at, char *end, int *skip) {
  for (char *line = at; (line = memchr(line, '\n', end - line)); line++) {
    if (line + 1 < end && line[1] == '\n') { *skip = 2; return line; }
    if (line + 2 < end && line[1] == '\r' && line[2] == '\n') { *skip = 3; return line; }
  }
  return NULL;
}

static int read_events(connection *c, char *bytes, int length, uint64_t now) {
  int used = 0, skip = 0;
  while (c->state != DEAD) {
    char *at = bytes + used, *end = end_of_event(at, bytes + length, &skip);
    if (!end) break;
    int is_data = (end - at >= 5 && !memcmp(at, "data:", 5)) || memmem(at, end - at, "\ndata:", 6);
    if (is_data) take_message(c, at, end - at, now);
    else counts.other++;
    used = end - bytes + skip;
  }
  return used;
}

static void keep(buffer *b, const char *bytes, uint32_t length) {
  if (b->end + length > b->capacity) {
    b->capacity = (b->end + length) * 2 + 256;
    b->bytes = realloc(b->bytes, b->capacity);
  }
  memcpy(b->bytes + b->end, bytes, length);
  b->end += length;
}

static void feed_events(connection *c, char *bytes, int length, uint64_t now) {
  if (!c->stream.end) {
    int used = read_events(c, bytes, length, now);
    if (used < length) keep(&c->stream, bytes + used, length - used);
    return;
  }
  keep(&c->stream, bytes, length);
  int used = read_events(c, c->stream.bytes, c->stream.end, now);
  memmove(c->stream.bytes, c->stream.bytes + used, c->stream.end - used);
  c->stream.end -= used;
}

enum { CHUNK_SIZE, CHUNK_BYTES, CHUNK_END };

/* Returns how many bytes were used. */
int read_event_stream(connection *c, char *bytes, int length, uint64_t now) {
  static char joined[5 << 20];
  if (!c->is_chunked) { feed_events(c, bytes, length, now); return length; }
  int used = 0, filled = 0;
  while (used < length) {
    if (c->chunk_state == CHUNK_SIZE) {
      char *end = memchr(bytes + used, '\n', length - used);
      if (!end) break;
      c->chunk_left = strtoull(bytes + used, NULL, 16);
      used = end - bytes + 1;
      if (!c->chunk_left) { fail_connection(c); break; }
      c->chunk_state = CHUNK_BYTES;
    } else if (c->chunk_state == CHUNK_BYTES) {
      uint64_t part = length - used;
      if (part > c->chunk_left) part = c->chunk_left;
      memcpy(joined + filled, bytes + used, part);
      filled += part;
      used += part;
      c->chunk_left -= part;
      if (!c->chunk_left) c->chunk_state = CHUNK_END;
    } else {
      if (length - used < 2) break;
      used += 2;
      c->chunk_state = CHUNK_SIZE;
    }
  }
  if (filled) feed_events(c, joined, filled, now);
  return used;
}

/* The answer to a poll. Returns how many bytes were used. */
int read_answer(connection *c, char *bytes, int length, uint64_t now) {
  char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (!end) return 0;
  int head = end - bytes + 4;
  const char *said = header_of(bytes, end, "content-length: ");
  int body = said ? atoi(said) : 0;
  if (length < head + body) return 0;
  if (atoi(bytes + 9) != 200) fail("a poll was answered: %.*s", length > 600 ? 600 : length, bytes);
  if (c->state == HEAD) go_live(c);
  uint64_t before = counts.messages;
  take_message(c, bytes + head, body, now);
  /* One whose time was over with nothing to tell is not part of a wave. */
  if (holds_polls && counts.messages > before) c->is_waiting = 1;
  else send_request(c);
  return head + body;
}
