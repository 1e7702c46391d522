/* The load client: opens connections to a server that fans out, walks each through its handshake, and counts
 * what arrives. C, one thread, epoll, libc only; Linux. Loopback only: nothing here is fit for a network.
 *
 * It must not be the bottleneck, since a client that is measures itself. Three things tell that it is not:
 *  - each line has its own share of a core (loadCpuPercent) and messagesPerRead: a client that falls behind
 *    reads several at once and so catches up, while the server's rate is what its own CPU allows;
 *  - the figure that counts is deliveries per second of the server's CPU, which a slow client cannot raise or
 *    lower: a server that waits uses none;
 *  - bench/delivery/self-check.ts runs it against the kernel-limit server: it takes a multiple of what any server
 *    of the benches delivers, and sees each loss, duplicate and reordering that is made on purpose. Measured on
 *    two busy cores: 9 million joined messages a second (16 million for a second of its CPU), 0.77 million single
 *    ones for a second of its CPU, where the kernel-limit server sends 0.34 million. */
#include "load.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

load_options options = {
  .label = "", .host = "127.0.0.1", .path = "/", .connections = 100, .channels = 1, .channels_each = 1,
  .payload_bytes = 200, .connecting_at_once = 128, .per_address = 8000, .warmup_s = 1, .connect_timeout_s = 60,
};

static void add_step(int is_expected, const char *text) {
  if (options.step_count == 16) fail("too many steps");
  options.steps[options.step_count++] = (step){ is_expected, unescape(text) };
}

static void add_port(const char *text) {
  if (options.port_count == sizeof options.ports / sizeof *options.ports) fail("too many ports");
  options.ports[options.port_count++] = atoi(text);
}

static void add_header(const char *text) {
  if (strlen(options.headers) + strlen(text) + 3 > sizeof options.headers) fail("too many headers");
  strcat(strcat(options.headers, text), "\r\n");
}

static void read_tokens(const char *path) {
  FILE *file = fopen(path, "r");
  char line[2048];
  if (!file) fail("cannot read %s", path);
  options.tokens = malloc(options.connections * sizeof *options.tokens);
  while (options.token_count < options.connections && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    options.tokens[options.token_count++] = strdup(line);
  }
  fclose(file);
}

static enum transport transport_of(const char *name) {
  if (!strcmp(name, "websocket")) return WEBSOCKET;
  if (!strcmp(name, "sse")) return SSE;
  if (!strcmp(name, "poll")) return POLL;
  fail("unknown transport %s", name);
}

static const char *tokens_path;

static void take_option(const char *name, char *value) {
  if (!strcmp(name, "--label")) options.label = value;
  else if (!strcmp(name, "--port")) add_port(value);
  else if (!strcmp(name, "--transport")) options.transport = transport_of(value);
  else if (!strcmp(name, "--path")) options.path = value;
  else if (!strcmp(name, "--body")) options.body = value;
  else if (!strcmp(name, "--header")) add_header(value);
  else if (!strcmp(name, "--tokens")) tokens_path = value;
  else if (!strcmp(name, "--connections")) options.connections = atoi(value);
  else if (!strcmp(name, "--channels")) options.channels = atoi(value);
  else if (!strcmp(name, "--channels-each")) options.channels_each = atoi(value);
  else if (!strcmp(name, "--send")) add_step(0, value);
  else if (!strcmp(name, "--expect")) add_step(1, value);
  else if (!strcmp(name, "--ping")) options.ping = value;
  else if (!strcmp(name, "--pong")) options.pong = value;
  else if (!strcmp(name, "--track")) options.tracks = atoi(value);
  else if (!strcmp(name, "--faults")) options.faults = atoi(value);
  else if (!strcmp(name, "--missed")) options.missed = atoi(value);
  else if (!strcmp(name, "--connecting-at-once")) options.connecting_at_once = atoi(value);
  else if (!strcmp(name, "--warmup-s")) options.warmup_s = atof(value);
  else if (!strcmp(name, "--control")) options.control = value;
  else if (!strcmp(name, "--publish-path")) options.publish_path = value;
  else if (!strcmp(name, "--phase")) add_phase(value);
  else if (!strcmp(name, "--pid")) { if (options.pid_count < 16) options.pids[options.pid_count++] = atoi(value); }
  else fail("unknown option %s", name);
}

int main(int count, char **arguments) {
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 1; i < count; i += 2) {
    if (i + 1 >= count) fail("%s needs a value", arguments[i]);
    take_option(arguments[i], arguments[i + 1]);
  }
  if (!options.port_count) fail("--port is missing");
  if (tokens_path) read_tokens(tokens_path);
  raise_open_files(options.connections);
  connections_init();

  long rss_before_kib = server_rss_kib();
  double begun = now_s(), server = server_cpu_s(), own = own_cpu_s();
  run_until(begun + options.connect_timeout_s, all_tried);
  double seconds = now_s() - begun;
  server = server_cpu_s() - server;
  printf("{\"label\":\"%s\",\"phase\":\"connect\",\"connections\":%d,\"live\":%d,\"seconds\":%.4f,\"perSecond\":%.1f,\"serverCpuS\":%.2f,\"perServerCpuS\":%.1f,\"loadCpuS\":%.3f,\"rssBeforeKib\":%ld,\"rssKib\":%ld}\n",
    options.label, options.connections, live, seconds, live / seconds, server, server > 0 ? live / server : 0, own_cpu_s() - own, rss_before_kib, server_rss_kib());
  if (live < options.connections) fail("%s: only %d of %d connections are live", options.label, live, options.connections);
  if (options.publish_path) publishers_open();
  run_until(now_s() + 0.3, NULL);
  run_phases(rss_before_kib);
  return 0;
}
