/* Publishing by HTTP, one request at a time on each of four connections: for a server that has no program
 * of ours in it. At full speed it is a closed loop: a new message goes out when all but two of the earlier
 * ones have reached every reader. */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLISHERS 4

static connection publishers[PUBLISHERS];
static int is_on, burst;
static double rate, started_at;
static uint64_t sent, received_before;

int is_publishing(void) { return is_on; }

void publishers_open(void) {
  for (int i = 0; i < PUBLISHERS; i++) {
    publishers[i].is_publisher = 1;
    open_connection(&publishers[i], i);
  }
}

/* `a_second` 0 is as fast as possible. */
void publish_from(double a_second, int in_one) {
  rate = a_second;
  burst = in_one;
  sent = 0;
  received_before = counts.messages;
  started_at = now_s();
  is_on = 1;
}

void publish_stop(void) { is_on = 0; }

static int publish_one(void) {
  static char body[70000], request[80000], path[2048];
  static uint64_t made;
  static int turn;
  for (int i = 0; i < PUBLISHERS; i++) {
    connection *c = &publishers[turn++ % PUBLISHERS];
    if (c->state != LIVE || c->is_waiting) continue;
    int channel = made % options.channels;
    connection named = { .index = channel };
    expand(path, sizeof path, options.publish_path, &named);
    int length = make_payload(body, channel, made / options.channels + 1);
    int head = sprintf(request, "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
      path, options.host, port_of(c), length);
    memcpy(request + head, body, length);
    made++;
    sent++;
    c->is_waiting = 1;
    send_bytes(c, request, head + length);
    return 1;
  }
  return 0;
}

static int is_due(void) {
  if (rate > 0) return sent < (uint64_t)((now_s() - started_at) * rate) / burst * burst;
  int ahead = burst > 2 ? burst : 2;
  double readers = (double)live / options.channels;
  return ((double)sent - (double)ahead * options.channels) * readers < (double)(counts.messages - received_before);
}

void publish_due(void) {
  if (!is_on) return;
  for (int i = 0; i < 4096 && is_due(); i++) if (!publish_one()) return;
}

int read_publish_answer(connection *c, char *bytes, int length) {
  int used = 0;
  while (used < length) {
    char *at = bytes + used, *end = memmem(at, length - used, "\r\n\r\n", 4);
    if (!end) break;
    *end = 0;
    const char *said = strcasestr(at, "content-length: ");
    int body = said ? atoi(said + 16) : 0;
    *end = '\r';
    if (length - used < end - at + 4 + body) break;
    if (atoi(at + 9) >= 300) counts.publish_errors++;
    used += end - at + 4 + body;
    c->is_waiting = 0;
  }
  return used;
}
