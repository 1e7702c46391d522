/* What the files of the limit server share.
 *   limit.c      listening, reading requests, the control port, the loop
 *   fan-out.c    who reads which channel, frames, writing them
 *   handshake.c  the WebSocket handshake */
#ifndef MILLRACE_LIMIT_H
#define MILLRACE_LIMIT_H
#include <stdint.h>

enum kind { FRESH, FRESH_WEBSOCKET, WEBSOCKET, SSE, CONTROL };

typedef struct {
  int fd, kind, channel, place;
  char *out;
  uint32_t sent, filled, capacity;
} connection;

/* What is published, as the control port said. */
typedef struct {
  int is_on, is_max, burst, channels, payload_bytes, fault_every;
  double rate, started_at;
} publishing;

extern int epoll;
extern publishing run;

/* fan-out.c */
extern int blocked;   /* connections that have bytes waiting */
extern uint64_t published;
void join_channel(connection *c, int channel);
void leave(connection *c);
void write_to(connection *c, const char *bytes, int length);
void write_rest(connection *c);
void publish(int count);
double now_s(void);
#endif
