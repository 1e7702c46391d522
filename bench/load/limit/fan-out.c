/* Fan-out at the kernel's own price: frames are made once, joined per channel and turn, and each socket gets
 * one send(). What the kernel does not take waits in memory, and nothing is published meanwhile. */
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct { connection **readers; int count, capacity; uint64_t sequence; } channel;

int blocked;
uint64_t published;
static channel *channels;
static int channel_count;

double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000u + t.tv_nsec / 1000;
}

void join_channel(connection *c, int number) {
  if (number < 0 || number > 1000000) number = 0;
  if (number >= channel_count) {
    int wanted = number + 1 > channel_count * 2 ? number + 1 : channel_count * 2;
    channels = realloc(channels, wanted * sizeof *channels);
    memset(channels + channel_count, 0, (wanted - channel_count) * sizeof *channels);
    channel_count = wanted;
  }
  channel *its = &channels[number];
  if (its->count == its->capacity) {
    its->capacity = its->capacity ? its->capacity * 2 : 4;
    its->readers = realloc(its->readers, its->capacity * sizeof *its->readers);
  }
  c->channel = number;
  c->place = its->count;
  its->readers[its->count++] = c;
}

/* The struct stays: an epoll event of this turn may still name it. */
void leave(connection *c) {
  if (c->channel >= 0) {
    channel *its = &channels[c->channel];
    its->readers[c->place] = its->readers[--its->count];
    its->readers[c->place]->place = c->place;
  }
  if (c->filled > c->sent) blocked--;
  close(c->fd);
  free(c->out);
  *c = (connection){ .fd = -1, .channel = -1 };
}

static void watch(connection *c, int wants_out) {
  struct epoll_event event = { EPOLLIN | (wants_out ? EPOLLOUT : 0), { .ptr = c } };
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void queue(connection *c, const char *bytes, int length) {
  if (c->filled == c->sent) {
    c->filled = c->sent = 0;
    blocked++;
    watch(c, 1);
  }
  if (c->filled + length > c->capacity) {
    c->capacity = (c->filled + length) * 2;
    c->out = realloc(c->out, c->capacity);
  }
  memcpy(c->out + c->filled, bytes, length);
  c->filled += length;
}

void write_to(connection *c, const char *bytes, int length) {
  if (c->filled > c->sent) { queue(c, bytes, length); return; }
  ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == length) return;
  if (sent < 0 && errno != EAGAIN) return;
  if (sent < 0) sent = 0;
  queue(c, bytes + sent, length - sent);
}

void write_rest(connection *c) {
  if (c->filled == c->sent) return;
  ssize_t sent = send(c->fd, c->out + c->sent, c->filled - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent <= 0) return;
  c->sent += sent;
  if (c->sent < c->filled) return;
  c->sent = c->filled = 0;
  blocked--;
  watch(c, 0);
}

/* The payload that every publisher of the benches makes, see ../../servers/control.ts. */
static int make_frame(char *out, int is_sse, int number, uint64_t n) {
  char payload[60100];
  int length = sprintf(payload, "{\"n\":%llu,\"t\":%llu,\"ch\":\"ch%d\",\"d\":\"", (unsigned long long)n, (unsigned long long)now_us(), number);
  for (; length < run.payload_bytes - 2; length++) payload[length] = 'a' + length % 26;
  memcpy(payload + length, "\"}", 2);
  length += 2;
  if (is_sse) {
    int head = sprintf(out, "%x\r\ndata: ", length + 8);
    memcpy(out + head, payload, length);
    memcpy(out + head + length, "\n\n\r\n", 4);
    return head + length + 4;
  }
  int head = length < 126 ? 2 : 4;
  out[0] = (char)0x81;
  out[1] = length < 126 ? length : 126;
  if (head == 4) { out[2] = length >> 8; out[3] = length; }
  memcpy(out + head, payload, length);
  return head + length;
}

/* For the self-check of the load client: each fault_every-th message is left out, the one after it comes
 * twice, and the one after that comes again after its successor. */
static int make_faulty(char *out, int is_sse, int number, uint64_t n) {
  uint64_t turn = run.fault_every ? n % run.fault_every : 3;
  if (turn == 0) return 0;
  int length = make_frame(out, is_sse, number, n);
  if (turn == 1) length += make_frame(out + length, is_sse, number, n);
  if (turn == 2 && run.fault_every) length += make_frame(out + length, is_sse, number, n - 1);
  return length;
}

/* `count` messages of the channel whose turn it is. */
void publish(int count) {
  static char frames[1 << 22];
  int number = published / count % run.channels, length = 0;
  published += count;
  if (number >= channel_count || !channels[number].count) return;
  channel *its = &channels[number];
  int is_sse = its->readers[0]->kind == SSE;
  for (int i = 0; i < count; i++) length += make_faulty(frames + length, is_sse, number, ++its->sequence);
  for (int i = 0; i < its->count; i++) write_to(its->readers[i], frames, length);
}
