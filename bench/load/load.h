/* What the files of the load client share: one connection, the options, the counters.
 *
 *   main.c        options, connecting, and what a run is made of
 *   phases.c      the windows that are measured, one JSON line each
 *   connection.c  sockets and the one epoll loop
 *   http.c        heads, chunked bodies, event streams, answers to polls
 *   websocket.c   frames
 *   message.c     what is inside: counting, gaps, latency, positions
 *   template.c    texts with placeholders: paths, requests, frames
 *   publish.c     publishing by HTTP, for a server that cannot publish by itself
 *   machine.c     CPU and memory of the server, of this process, of everybody else; the control port
 */
#ifndef MILLRACE_LOAD_H
#define MILLRACE_LOAD_H
#define _GNU_SOURCE
#include <stdint.h>

enum transport { WEBSOCKET, SSE, POLL };
enum state { NEW, CONNECTING, HEAD, STEPS, LIVE, DEAD };

/* Where a connection stands in one of its channels. */
typedef struct {
  int64_t last_n;  /* -1 before the first message */
  int64_t offset;  /* of the product's cursor */
} position;

typedef struct {
  char *bytes;
  uint32_t start, end, capacity;
} buffer;

typedef struct {
  int fd, index, step, link;
  uint8_t state, is_publisher, is_chunked, chunk_state, wants_out, is_waiting;
  uint64_t chunk_left;
  buffer unread;   /* input that no parser could use yet */
  buffer stream;   /* de-chunked, an event that is not complete */
  buffer out;      /* what the kernel did not take */
  position *positions; /* one for each of its channels */
} connection;

typedef struct { int is_expected; char *text; } step;

typedef struct {
  const char *label, *host, *path, *body, *control, *publish_path;
  int ports[8], port_count;  /* connection n goes to the n-th in turn */
  int connections, channels, channels_each, payload_bytes;
  int connecting_at_once, per_address, missed, tracks, faults;
  enum transport transport;
  double warmup_s, connect_timeout_s;
  char headers[2048];
  char **tokens; int token_count;
  step steps[16]; int step_count;
  char *ping, *pong;   /* a text message that must be answered by another, for engine.io */
  int pids[16], pid_count;
} load_options;

typedef struct {
  uint64_t messages, bytes, reads, gaps, duplicates, reordered, other, told_gaps;
  uint64_t publish_errors;
  uint64_t negative;   /* latencies below 0: two clocks */
} load_counts;

extern load_options options;
extern load_counts counts;
extern connection *connections;
extern int live, dead;
extern int holds_polls;   /* an answered poll waits until it is told to ask again */

/* connection.c */
void connections_init(void);
int port_of(const connection *c);
void open_connection(connection *c, int index);
void drop_connection(connection *c);
void fail_connection(connection *c);
void send_bytes(connection *c, const char *bytes, int length);
void run_until(double deadline, int (*is_over)(void));
int all_tried(void);
void go_live(connection *c);

/* http.c */
void send_request(connection *c);
int read_head(connection *c, char *bytes, int length);
int read_event_stream(connection *c, char *bytes, int length, uint64_t now);
int read_answer(connection *c, char *bytes, int length, uint64_t now);

/* websocket.c */
void send_frame(connection *c, int opcode, const char *bytes, int length);
int read_frames(connection *c, char *bytes, int length, uint64_t now);

/* message.c */
void take_message(connection *c, const char *text, int length, uint64_t now);
void take_steps(connection *c);
void forget_latencies(void);
double latency_quantile_us(double share);
double latency_max_us(void);
extern char (*epochs)[33];   /* by channel number */

/* template.c */
char *unescape(const char *text);
int expand(char *out, int capacity, const char *text, const connection *c);
int channel_of(int connection_index, int slot);
int make_payload(char *out, int channel, uint64_t n);

/* publish.c */
void publishers_open(void);
void publish_from(double rate, int burst);
void publish_stop(void);
void publish_due(void);
int is_publishing(void);
int read_publish_answer(connection *c, char *bytes, int length);

/* phases.c */
void add_phase(const char *text);
void run_phases(long rss_before_kib);

/* machine.c */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
uint64_t now_us(void);
double now_s(void);
double server_cpu_s(void);
double own_cpu_s(void);
double machine_cpu_s(void);
long server_rss_kib(void);
const char *ask_control(const char *path);
void raise_open_files(int wanted);
#endif
