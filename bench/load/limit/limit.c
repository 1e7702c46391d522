/* The kernel's limit: the least that a program can do to give one message to N sockets. One epoll thread,
 * frames made once, one send() for each socket and turn; it keeps nothing, checks nothing, resumes nothing.
 *
 *   limit PORT CONTROL_PORT
 *
 * A GET with a Sec-WebSocket-Key is a WebSocket, whose first message {"sub":"chK"} subscribes it; any other
 * GET /...ch=K an event stream. Control: GET /start?mode=max|rate&rate=R&burst=B&channels=C&size=S, /stop, and
 * &faults=K for the self-check. */
#define _GNU_SOURCE
#include "limit.h"
#include "handshake.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int epoll;
publishing run = { .burst = 1, .channels = 1, .payload_bytes = 200 };
static connection readers_door, control_door;
static uint64_t sent_of_rate;

static double query(const char *text, const char *name, double otherwise) {
  const char *found = strstr(text, name);
  return found ? atof(found + strlen(name)) : otherwise;
}

static void start(const char *request) {
  run = (publishing){
    .is_on = 1,
    .is_max = strstr(request, "mode=max") != NULL,
    .rate = query(request, "&rate=", 0),
    .burst = query(request, "&burst=", 1),
    .channels = query(request, "&channels=", 1),
    .payload_bytes = query(request, "&size=", 200),
    .fault_every = query(request, "&faults=", 0),
    .started_at = now_s(),
  };
  published = sent_of_rate = 0;
}

static void answer_control(connection *c, const char *request) {
  if (strstr(request, "GET /start")) start(request);
  else if (strstr(request, "GET /stop")) run.is_on = 0;
  static const char answer[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
  write_to(c, answer, sizeof answer - 1);
  shutdown(c->fd, SHUT_WR);
}

static void answer_request(connection *c, const char *request) {
  static const char stream[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n: ok\n\n\r\n";
  const char *key = strcasestr(request, "sec-websocket-key: ");
  if (!key) {
    write_to(c, stream, sizeof stream - 1);
    c->kind = SSE;
    join_channel(c, query(request, "ch=", 0));
    return;
  }
  char answer[256];
  write_to(c, answer, accept_handshake(key + 19, answer));
  c->kind = FRESH_WEBSOCKET;
}

static void subscribe(connection *c, char *frame, int length) {
  if ((uint8_t)frame[0] != 0x81 || length < 6) return;
  for (int i = 0; i < (frame[1] & 127) && 6 + i < length; i++) frame[6 + i] ^= frame[2 + (i & 3)];
  static const char answer[] = "\x81\x0b{\"ok\":true}";
  write_to(c, answer, sizeof answer - 1);
  c->kind = WEBSOCKET;
  join_channel(c, query(frame + 6, "\"ch", 0));
}

static void read_from(connection *c) {
  char bytes[8192];
  ssize_t got = recv(c->fd, bytes, sizeof bytes - 1, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) { leave(c); return; }
  bytes[got] = 0;
  switch (c->kind) {
    case CONTROL: answer_control(c, bytes); break;
    case FRESH: answer_request(c, bytes); break;
    case FRESH_WEBSOCKET: subscribe(c, bytes, got); break;
  }
}

static void listen_on(connection *door, int port) {
  int on = 1;
  door->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(door->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (bind(door->fd, (void *)&address, sizeof address) || listen(door->fd, 4096)) { perror("listen"); exit(1); }
  struct epoll_event event = { EPOLLIN, { .ptr = door } };
  epoll_ctl(epoll, EPOLL_CTL_ADD, door->fd, &event);
}

static void accept_all(connection *door) {
  int fd, on = 1;
  while ((fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->channel = -1;
    c->kind = door == &readers_door ? FRESH : CONTROL;
    struct epoll_event event = { EPOLLIN, { .ptr = c } };
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

static void publish_due(void) {
  /* Joined where there is one channel; over many channels each message has another reader. */
  int joined = run.channels > 1 ? 1 : run.burst;
  if (!run.is_max) {
    uint64_t due = (uint64_t)((now_s() - run.started_at) * run.rate) / run.burst * run.burst;
    for (; sent_of_rate < due; sent_of_rate += joined) publish(joined);
    return;
  }
  /* About a thousand sends between two looks at epoll; none once a socket is full. */
  int turn = run.channels > 1 ? 1000 : run.burst;
  for (int i = 0; i < turn && !blocked; i += joined) publish(joined);
}

int main(int count, char **arguments) {
  if (count < 3) { fprintf(stderr, "limit PORT CONTROL_PORT\n"); return 1; }
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  epoll = epoll_create1(0);
  listen_on(&readers_door, atoi(arguments[1]));
  listen_on(&control_door, atoi(arguments[2]));
  puts("listening");
  fflush(stdout);
  static struct epoll_event events[1024];
  for (;;) {
    int is_busy = run.is_on && run.is_max && !blocked;
    int ready = epoll_wait(epoll, events, 1024, is_busy ? 0 : run.is_on && !run.is_max ? 1 : 1000);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (c == &readers_door || c == &control_door) { accept_all(c); continue; }
      if (c->fd < 0) continue;
      if (events[i].events & EPOLLOUT) write_rest(c);
      if (events[i].events & (EPOLLIN | EPOLLHUP)) read_from(c);
    }
    if (run.is_on) publish_due();
  }
}
