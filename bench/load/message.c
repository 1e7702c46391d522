/* What is inside of frames, events and answers. A message is counted where it holds `"n":N`, its number
 * in its channel, and `"t":T`, when it was made, µs since 1970; any envelope is fine, and any number of
 * messages in one. Numbers rise by one per channel: what is left out, comes twice or comes late is counted
 * for each connection. With --track the product's cursors are followed too, to resume by them. */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

load_counts counts;
char (*epochs)[33];

/* Log-linear: 64 steps for each power of two, so a quantile is off by less than 1.6 %. */
#define BUCKETS (64 * 48)
static uint64_t buckets[BUCKETS], bucketed, largest;

void forget_latencies(void) {
  memset(buckets, 0, sizeof buckets);
  bucketed = largest = 0;
}

static void take_latency(int64_t us) {
  if (us < 0) { counts.negative++; us = 0; }
  uint64_t value = us;
  unsigned bucket = value;
  if (value >= 128) {
    int shift = 63 - __builtin_clzll(value) - 6;
    bucket = 64 * shift + (value >> shift);
  }
  buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  bucketed++;
  if (value > largest) largest = value;
}

double latency_max_us(void) { return largest; }

double latency_quantile_us(double share) {
  if (!bucketed) return -1;
  uint64_t wanted = share * bucketed, below = 0;
  for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
    below += buckets[bucket];
    if (below <= wanted) continue;
    if (bucket < 128) return bucket;
    int shift = bucket / 64 - 1;
    return ((double)(bucket - 64 * shift) + 0.5) * (double)(1ull << shift);
  }
  return largest;
}

static int64_t number(const char *at, const char *end) {
  int64_t value = 0;
  while (at < end && *at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
  return value;
}

static void take_number(position *p, int64_t n) {
  if (p->last_n >= 0) {
    int64_t step = n - p->last_n;
    if (step > 1) counts.gaps += step - 1;
    else if (step == 0) counts.duplicates++;
    else if (step < 0) counts.reordered++;
  }
  if (n > p->last_n) p->last_n = n;
}

/* Where `"n":` was, in the last envelope and from one message to the next: it is there again nearly always. */
static int usual_start = 1, usual_stride = 1;

static const char *find_n(const char *from, const char *end, int *usual) {
  if (from + *usual + 4 <= end && !memcmp(from + *usual, "\"n\":", 4)) return from + *usual + 4;
  const char *found = memmem(from, end - from, "\"n\":", 4);
  if (!found) return NULL;
  *usual = found - from;
  return found + 4;
}

static void take_time(const char *at, const char *end, uint64_t now) {
  while (at < end && *at >= '0' && *at <= '9') at++;
  if (end - at < 5 || memcmp(at, ",\"t\":", 5)) return;
  take_latency((int64_t)now - number(at + 5, end));
}

/* All of one channel, the only one of this connection. */
static void take_data(connection *c, const char *text, int length, uint64_t now) {
  const char *end = text + length, *at = find_n(text, end, &usual_start);
  if (!at) { counts.other++; return; }
  for (;;) {
    counts.messages++;
    take_number(c->positions, number(at, end));
    take_time(at, end, now);
    /* What is shorter than two payloads holds one: most envelopes end here, unsearched. */
    if (end - at < 2 * options.payload_bytes - 8) return;
    at = find_n(at, end, &usual_stride);
    if (!at) return;
  }
}

static position *slot_of(connection *c, int channel) {
  for (int slot = 0; slot < options.channels_each; slot++)
    if (channel_of(c->index, slot) == channel) return &c->positions[slot];
  fail("a message of channel %d, which connection %d never asked for", channel, c->index);
}

/* `"cursor":"EPOCH.OFFSET"` of a verdict. */
static void take_cursor(connection *c, int channel, const char *at, const char *end) {
  const char *dot = memchr(at, '.', end - at);
  if (!dot || dot - at > 32) fail("no cursor: %.60s", at);
  memcpy(epochs[channel], at, dot - at);
  epochs[channel][dot - at] = 0;
  slot_of(c, channel)->offset = number(dot + 1, end);
}

static int starts(const char *at, const char *end, const char *key) {
  size_t length = strlen(key);
  return (size_t)(end - at) > length && !memcmp(at, key, length);
}

/* Key by key, since it holds frames of several channels; slow, for the benches that count connections. */
static void take_tracked(connection *c, const char *text, int length, uint64_t now) {
  const char *end = text + length;
  int channel = channel_of(c->index, 0), told = 0;
  int64_t offset = -1;
  for (const char *at = text; (at = memchr(at, '"', end - at)); at++) {
    if (starts(at, end, "\"channel\":\"bench:")) channel = number(at + 17, end);
    else if (starts(at, end, "\"verdict\":\"gap\"")) counts.told_gaps++;
    else if (starts(at, end, "\"cursor\":\"")) take_cursor(c, channel, at + 10, end);
    else if (starts(at, end, "\"offset\":")) offset = number(at + 9, end);
    else if (starts(at, end, "\"n\":")) {
      const char *name = memmem(at, end - at < 80 ? end - at : 80, "\"ch\":\"ch", 8);
      position *p = slot_of(c, name ? number(name + 8, end) : channel);
      counts.messages++;
      told = 1;
      take_number(p, number(at + 4, end));
      take_time(at + 4, end, now);
      if (offset >= 0) p->offset = offset;
    }
  }
  if (!told) counts.other++;
}

void take_steps(connection *c) {
  static char text[16384];
  while (c->step < options.step_count && !options.steps[c->step].is_expected) {
    int length = expand(text, sizeof text, options.steps[c->step].text, c);
    c->step++;
    send_frame(c, 1, text, length);
    if (c->state == DEAD) return;
  }
  if (c->step >= options.step_count) go_live(c);
  else c->state = STEPS;
}

static int holds(const char *text, int length, const char *wanted) {
  return memmem(text, length, wanted, strlen(wanted)) != NULL;
}

void take_message(connection *c, const char *text, int length, uint64_t now) {
  if (options.ping && (size_t)length == strlen(options.ping) && !memcmp(text, options.ping, length)) {
    send_frame(c, 1, options.pong, strlen(options.pong));
    return;
  }
  int is_step = c->state == STEPS && holds(text, length, options.steps[c->step].text);
  if (options.tracks) take_tracked(c, text, length, now);
  else if (!is_step) take_data(c, text, length, now);
  if (is_step) {
    c->step++;
    take_steps(c);
  } else if (c->state == STEPS && (holds(text, length, "\"denied\"") || holds(text, length, "\"type\":\"error\""))) {
    fail("refused: %.*s", length > 400 ? 400 : length, text);
  }
}
