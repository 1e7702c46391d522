/* What is measured, in the order of --phase; one JSON line each:
 *   idle:SECONDS              memory of the server per connection, nothing being published
 *   gc                        the same after it has collected garbage
 *   rate:PER_SECOND:SECONDS[:BURST]   messages at a pace; deliveries, latency, CPU
 *   max:SECONDS[:BURST]       the same as fast as it goes
 *   wave                      one message to all parked polls: the CPU of answering, and of parking again
 *   storm                     all connections cut at once, --missed messages published, until all are as before */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { const char *kind; double rate, seconds; int burst; } phase;

static phase phases[32];
static int phase_count;

void add_phase(const char *text) {
  if (phase_count == 32) fail("too many phases");
  phase *p = &phases[phase_count++];
  p->burst = 1;
  if (sscanf(text, "rate:%lf:%lf:%d", &p->rate, &p->seconds, &p->burst) >= 2) p->kind = "rate";
  else if (sscanf(text, "max:%lf:%d", &p->seconds, &p->burst) >= 1) p->kind = "max";
  else if (sscanf(text, "idle:%lf", &p->seconds) == 1) p->kind = "idle";
  else if (!strcmp(text, "gc") || !strcmp(text, "wave") || !strcmp(text, "storm")) p->kind = text;
  else fail("unknown phase %s", text);
}

static void begin_line(const phase *p) {
  printf("{\"label\":\"%s\",\"phase\":\"%s\",\"connections\":%d,\"live\":%d", options.label, p->kind, options.connections, live);
}

static void rest(double seconds) { run_until(now_s() + seconds, NULL); }

/* Until the server has used no CPU for a while: what was asked of it is done. */
static void settle(void) {
  double before = server_cpu_s(), deadline = now_s() + 15;
  for (int quiet = 0; quiet < 3 && now_s() < deadline;) {
    rest(0.05);
    double after = server_cpu_s();
    quiet = after > before ? 0 : quiet + 1;
    before = after;
  }
}

static void measure_memory(const phase *p, long rss_before_kib) {
  if (p->kind[0] == 'g') ask_control("/gc");
  double cpu = server_cpu_s();
  rest(p->kind[0] == 'g' ? 1 : p->seconds);
  long rss = server_rss_kib();
  begin_line(p);
  printf(",\"serverCpuS\":%.2f,\"rssKib\":%ld,\"kibPerConnection\":%.3f}\n", server_cpu_s() - cpu, rss, (double)(rss - rss_before_kib) / (live ? live : 1));
}

static void start_publishing(const phase *p) {
  if (options.publish_path) { publish_from(p->rate, p->burst); return; }
  char path[256];
  snprintf(path, sizeof path, "/start?mode=%s&rate=%g&burst=%d&channels=%d&size=%d&faults=%d", p->kind, p->rate, p->burst, options.channels, options.payload_bytes, options.faults);
  ask_control(path);
}

static void stop_publishing(void) {
  if (options.publish_path) publish_stop();
  else ask_control("/stop");
  /* What is under way must not be the next phase's. */
  rest(0.7);
}

static void measure_delivery(const phase *p) {
  for (int i = 0; i < options.connections; i++)
    for (int slot = 0; slot < options.channels_each; slot++) connections[i].positions[slot].last_n = -1;
  start_publishing(p);
  rest(options.warmup_s);
  forget_latencies();
  load_counts before = counts;
  int dead_before = dead;
  double begun = now_s(), server = server_cpu_s(), own = own_cpu_s(), machine = machine_cpu_s();
  run_until(begun + p->seconds, NULL);
  double seconds = now_s() - begun;
  server = server_cpu_s() - server;
  own = own_cpu_s() - own;
  machine = machine_cpu_s() - machine;
  double messages = counts.messages - before.messages, reads = counts.reads - before.reads, bytes = counts.bytes - before.bytes;
  double p50 = latency_quantile_us(.5), p99 = latency_quantile_us(.99), most = latency_max_us();
  stop_publishing();
  begin_line(p);
  printf(",\"burst\":%d,\"seconds\":%.3f,\"deliveries\":%.0f,\"perSecond\":%.0f,\"megabytesPerSecond\":%.1f", p->burst, seconds, messages, messages / seconds, bytes / seconds / 1e6);
  printf(",\"serverCpuS\":%.2f,\"serverCpuPercent\":%.1f,\"perServerCpuS\":%.0f", server, server / seconds * 100, server > 0 ? messages / server : 0);
  printf(",\"loadCpuPercent\":%.1f,\"perLoadCpuS\":%.0f,\"otherCpu\":%.2f,\"messagesPerRead\":%.2f", own / seconds * 100, own > 0 ? messages / own : 0, (machine - server - own) / seconds, reads > 0 ? messages / reads : 0);
  printf(",\"p50Us\":%.0f,\"p99Us\":%.0f,\"maxUs\":%.0f", p50, p99, most);
  /* After the publisher has stopped too: a loss at the end is a loss. */
  printf(",\"gaps\":%llu,\"duplicates\":%llu,\"reordered\":%llu,\"negative\":%llu,\"publishErrors\":%llu,\"closed\":%d,\"rssKib\":%ld}\n",
    (unsigned long long)(counts.gaps - before.gaps), (unsigned long long)(counts.duplicates - before.duplicates),
    (unsigned long long)(counts.reordered - before.reordered), (unsigned long long)(counts.negative - before.negative),
    (unsigned long long)(counts.publish_errors - before.publish_errors), dead - dead_before, server_rss_kib());
}

static uint64_t wave_before;
static int wave_is_over(void) { return counts.messages - wave_before >= (uint64_t)live; }

static void measure_wave(const phase *p) {
  settle();
  long parked_kib = server_rss_kib();
  load_counts before = counts;
  wave_before = counts.messages;
  holds_polls = 1;
  double begun = now_s(), server = server_cpu_s();
  ask_control("/publish?count=1");
  run_until(begun + 30, wave_is_over);
  double seconds = now_s() - begun;
  settle();
  double answering = server_cpu_s() - server;
  uint64_t answered = counts.messages - before.messages;
  holds_polls = 0;
  server = server_cpu_s();
  for (int i = 0; i < options.connections; i++) {
    connection *c = &connections[i];
    if (c->state != LIVE || !c->is_waiting) continue;
    c->is_waiting = 0;
    send_request(c);
  }
  settle();
  begin_line(p);
  printf(",\"answered\":%llu,\"seconds\":%.3f,\"answerCpuS\":%.2f,\"parkCpuS\":%.2f,\"parkedRssKib\":%ld,\"gaps\":%llu,\"duplicates\":%llu,\"reordered\":%llu}\n",
    (unsigned long long)answered, seconds, answering, server_cpu_s() - server, parked_kib, (unsigned long long)(counts.gaps - before.gaps),
    (unsigned long long)(counts.duplicates - before.duplicates), (unsigned long long)(counts.reordered - before.reordered));
}

static uint64_t storm_before;
static int storm_is_over(void) {
  uint64_t wanted = (uint64_t)options.connections * options.channels_each * options.missed;
  return dead > 0 ? all_tried() : live >= options.connections && counts.messages - storm_before >= wanted;
}

static void measure_storm(const phase *p) {
  settle();
  ask_control("/lag");
  load_counts before = counts;
  storm_before = counts.messages;
  double begun = now_s(), server = server_cpu_s(), own = own_cpu_s();
  for (int i = 0; i < options.connections; i++) drop_connection(&connections[i]);
  if (options.missed > 0) {
    char path[64];
    snprintf(path, sizeof path, "/publish?count=%d&channels=%d", options.missed, options.channels);
    ask_control(path);
  }
  run_until(begun + options.connect_timeout_s, storm_is_over);
  double seconds = now_s() - begun;
  const char *lag = ask_control("/lag");
  server = server_cpu_s() - server;
  begin_line(p);
  printf(",\"seconds\":%.3f,\"serverCpuS\":%.2f,\"connectsPerSecond\":%.0f,\"connectsPerServerCpuS\":%.0f,\"loadCpuS\":%.2f,\"caughtUp\":%llu,\"toldGaps\":%llu,\"lag\":%s",
    seconds, server, live / seconds, server > 0 ? live / server : 0, own_cpu_s() - own, (unsigned long long)(counts.messages - before.messages),
    (unsigned long long)(counts.told_gaps - before.told_gaps), *lag ? lag : "null");
  printf(",\"gaps\":%llu,\"duplicates\":%llu,\"reordered\":%llu}\n", (unsigned long long)(counts.gaps - before.gaps),
    (unsigned long long)(counts.duplicates - before.duplicates), (unsigned long long)(counts.reordered - before.reordered));
}

void run_phases(long rss_before_kib) {
  for (int i = 0; i < phase_count; i++) {
    const phase *p = &phases[i];
    switch (p->kind[0]) {
      case 'i': case 'g': measure_memory(p, rss_before_kib); break;
      case 'w': measure_wave(p); break;
      case 's': measure_storm(p); break;
      default: measure_delivery(p);
    }
  }
}
