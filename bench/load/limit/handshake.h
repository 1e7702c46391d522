/* The server's half of a WebSocket handshake. */
#ifndef MILLRACE_HANDSHAKE_H
#define MILLRACE_HANDSHAKE_H
/* `key` is the value of Sec-WebSocket-Key; `out` takes the whole answer. Returns its length. */
int accept_handshake(const char *key, char *out);
#endif
