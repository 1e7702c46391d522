/* CPU and memory of the server, of this process and of the machine; clocks; the control port of the
 * server under test. CPU is utime + stime of /proc/PID/stat: ticks of 10 ms, so windows are seconds. */
#include "load.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(2);
}

/* The publisher's clock too, so that a latency is a difference. */
uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000u + t.tv_nsec / 1000;
}

double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu_s_of(int pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return 0;
  text[length] = 0;
  /* The name in brackets may hold anything; the fields are counted from its end. */
  char *rest = strrchr(text, ')');
  unsigned long user, system;
  if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) return 0;
  return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

double server_cpu_s(void) {
  double sum = 0;
  for (int i = 0; i < options.pid_count; i++) sum += cpu_s_of(options.pids[i]);
  return sum;
}

long server_rss_kib(void) {
  long sum = 0, size, resident;
  for (int i = 0; i < options.pid_count; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/statm", options.pids[i]);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    if (fscanf(file, "%ld %ld", &size, &resident) == 2) sum += resident * (sysconf(_SC_PAGESIZE) / 1024);
    fclose(file);
  }
  return sum;
}

double own_cpu_s(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* All that was not idle, on all cores. */
double machine_cpu_s(void) {
  FILE *file = fopen("/proc/stat", "r");
  unsigned long user, nice, system, idle, wait, irq, soft, stolen;
  double sum = 0;
  if (!file) return 0;
  if (fscanf(file, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &system, &idle, &wait, &irq, &soft, &stolen) == 8)
    sum = (double)(user + nice + system + irq + soft + stolen) / sysconf(_SC_CLK_TCK);
  fclose(file);
  return sum;
}

/* Blocks: the answer means that it is done. Returns the body. */
const char *ask_control(const char *path) {
  static char answer[65536];
  answer[0] = 0;
  if (!options.control) return answer;
  char host[64];
  int port;
  if (sscanf(options.control, "%63[^:]:%d", host, &port) != 2) fail("--control HOST:PORT");
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
  inet_pton(AF_INET, host, &address.sin_addr);
  struct timeval patience = { 20, 0 };
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (void *)&address, sizeof address)) fail("the control port does not answer");
  char request[512];
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n", path);
  if (write(fd, request, length) != length) fail("the control port takes nothing");
  int got = 0;
  ssize_t more;
  while (got < (int)sizeof answer - 1 && (more = read(fd, answer + got, sizeof answer - 1 - got)) > 0) got += more;
  answer[got] = 0;
  close(fd);
  if (strncmp(answer, "HTTP/1.1 200", 12)) fail("control %s: %.300s", path, answer);
  char *body = strstr(answer, "\r\n\r\n");
  return body ? body + 4 : answer;
}

void raise_open_files(int wanted) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if ((rlim_t)wanted + 40 > limit.rlim_cur) fail("only %ld open files are allowed, %d connections wanted", (long)limit.rlim_cur, wanted);
}
