/* Sockets and the one epoll loop. A connection goes NEW → CONNECTING → HEAD (asked, not answered) →
 * STEPS (the script after the handshake) → LIVE, and from each of them to DEAD. Connections go out from
 * 127.0.0.2, .3 …, so that the ports of one address are not the limit. */
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_BYTES (4 << 20)

connection *connections;
int live, dead, holds_polls;
static int epoll, tried;
static char *input;

void connections_init(void) {
  epoll = epoll_create1(0);
  input = malloc(INPUT_BYTES * 2);
  connections = calloc(options.connections, sizeof *connections);
  epochs = calloc(options.channels, sizeof *epochs);
  for (int i = 0; i < options.connections; i++) {
    connection *c = &connections[i];
    c->link = 1;
    c->positions = malloc(options.channels_each * sizeof *c->positions);
    for (int slot = 0; slot < options.channels_each; slot++) c->positions[slot] = (position){ -1, -1 };
  }
}

static void watch(connection *c, int wants_out) {
  if (c->wants_out == wants_out) return;
  struct epoll_event event = { .events = EPOLLIN | (wants_out ? EPOLLOUT : 0), .data.ptr = c };
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
  c->wants_out = wants_out;
}

/* It ends because we want it to: it may be opened again. */
void drop_connection(connection *c) {
  if (c->state == DEAD || c->state == NEW) return;
  if (c->state == LIVE && !c->is_publisher) live--;
  close(c->fd);
  c->fd = -1;
  c->state = NEW;
  if (!c->is_publisher) tried--;
}

/* The other side ended it, or it is of no use: it stays dead. */
void fail_connection(connection *c) {
  if (c->state == DEAD || c->state == NEW) return;
  if (c->state == LIVE && !c->is_publisher) live--;
  close(c->fd);
  c->fd = -1;
  c->state = DEAD;
  dead++;
}

void go_live(connection *c) {
  if (c->state == LIVE) return;
  c->state = LIVE;
  if (!c->is_publisher) live++;
}

void send_bytes(connection *c, const char *bytes, int length) {
  if (c->state == DEAD) return;
  if (c->out.start == c->out.end) {
    c->out.start = c->out.end = 0;
    ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (sent == length) return;
    if (sent < 0 && errno != EAGAIN) { fail_connection(c); return; }
    if (sent < 0) sent = 0;
    bytes += sent;
    length -= sent;
  }
  if (c->out.end + length > c->out.capacity) {
    c->out.capacity = (c->out.end + length) * 2;
    c->out.bytes = realloc(c->out.bytes, c->out.capacity);
  }
  memcpy(c->out.bytes + c->out.end, bytes, length);
  c->out.end += length;
  watch(c, 1);
}

static void send_rest(connection *c) {
  while (c->out.start < c->out.end) {
    ssize_t sent = send(c->fd, c->out.bytes + c->out.start, c->out.end - c->out.start, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) { fail_connection(c); return; }
    c->out.start += sent;
  }
  c->out.start = c->out.end = 0;
  watch(c, 0);
}

static int parse(connection *c, char *bytes, int length, uint64_t now) {
  int used = 0;
  if (c->is_publisher) return read_publish_answer(c, bytes, length);
  if (options.transport == POLL) return read_answer(c, bytes, length, now);
  if (c->state == HEAD) used = read_head(c, bytes, length);
  if ((c->state != STEPS && c->state != LIVE) || used >= length) return used;
  if (options.transport == WEBSOCKET) return used + read_frames(c, bytes + used, length - used, now);
  return used + read_event_stream(c, bytes + used, length - used, now);
}

static void read_from(connection *c) {
  int kept = c->unread.end;
  if (kept) memcpy(input, c->unread.bytes, kept);
  ssize_t got = recv(c->fd, input + kept, INPUT_BYTES - kept, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) { fail_connection(c); return; }
  counts.reads++;
  if (!c->is_publisher) counts.bytes += got;
  int length = kept + got, used = parse(c, input, length, now_us());
  c->unread.end = 0;
  if (c->state == DEAD || used >= length) return;
  uint32_t rest = length - used;
  if (rest > c->unread.capacity) {
    c->unread.capacity = rest < 512 ? 512 : rest * 2;
    c->unread.bytes = realloc(c->unread.bytes, c->unread.capacity);
  }
  memcpy(c->unread.bytes, input + used, rest);
  c->unread.end = rest;
}

static void connected(connection *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    static int told;
    if (!told++) fprintf(stderr, "connect: %s\n", strerror(error));
    fail_connection(c);
    return;
  }
  c->state = HEAD;
  if (c->is_publisher) go_live(c);
  else send_request(c);
  if (c->state != DEAD && c->out.start == c->out.end) watch(c, 0);
}

/* In turn, so that each server has as many. */
int port_of(const connection *c) { return options.ports[c->index % options.port_count]; }

void open_connection(connection *c, int index) {
  c->index = index;
  c->step = c->is_waiting = c->is_chunked = c->chunk_state = 0;
  c->unread.end = c->stream.end = c->out.start = c->out.end = 0;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("socket: %s", strerror(errno));
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  /* Closed by a reset: ten thousand ports in TIME_WAIT would be the next run's trouble. */
  struct linger at_once = { 1, 0 };
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in address = { .sin_family = AF_INET };
  address.sin_addr.s_addr = htonl(0x7f000002 + index / options.per_address);
  if (bind(c->fd, (void *)&address, sizeof address)) fail("bind: %s", strerror(errno));
  address.sin_port = htons(port_of(c));
  inet_pton(AF_INET, options.host, &address.sin_addr);
  c->state = CONNECTING;
  c->wants_out = 1;
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
  if (connect(c->fd, (void *)&address, sizeof address) && errno != EINPROGRESS) fail("connect: %s", strerror(errno));
  if (!c->is_publisher) tried++;
}

int all_tried(void) { return live + dead >= options.connections; }

/* Those that are new, some at a time: a listen queue has its length. */
static void open_more(void) {
  static int next;
  for (int looked = 0; tried < options.connections && tried - live - dead < options.connecting_at_once && looked < options.connections; looked++) {
    int index = next++ % options.connections;
    if (connections[index].state == NEW) open_connection(&connections[index], index);
  }
}

static int wait_ms(double left_s) {
  if (is_publishing()) return 1;
  return left_s > 0.05 ? 50 : (int)(left_s * 1000) + 1;
}

/* Until `deadline`, or until `is_over` says so; with `is_over`, connections that are not open are opened. */
void run_until(double deadline, int (*is_over)(void)) {
  static struct epoll_event events[2048];
  for (;;) {
    double left_s = deadline - now_s();
    if (left_s <= 0) return;
    if (is_over) {
      if (is_over()) return;
      open_more();
    }
    int count = epoll_wait(epoll, events, 2048, wait_ms(left_s));
    for (int i = 0; i < count; i++) {
      connection *c = events[i].data.ptr;
      if (c->state == DEAD || c->state == NEW) continue;
      if (c->state == CONNECTING) { connected(c); continue; }
      if (events[i].events & EPOLLOUT) send_rest(c);
      if (c->state != DEAD && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_from(c);
    }
    publish_due();
  }
}
