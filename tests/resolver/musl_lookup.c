/* SPDX-License-Identifier: GPL-2.0-or-later
 * One getaddrinfo(3) for both families with musl's resolver, linked statically: no preload library is in it. Prints the
 * code, how many addresses came, and the time. Usage: musl_lookup NAME */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

int main(int argc, char** argv) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo* list = NULL;
  struct timespec begin, end;
  if (argc != 2) return 2;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  int code = getaddrinfo(argv[1], NULL, &hints, &list);
  clock_gettime(CLOCK_MONOTONIC, &end);
  int addresses = 0;
  for (const struct addrinfo* one = list; code == 0 && one; one = one->ai_next) ++addresses;
  printf("code=%d\naddresses=%d\nms=%ld\n", code, addresses,
         (long)(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
  if (code == 0) freeaddrinfo(list);
  return 0;
}
