// SPDX-License-Identifier: GPL-2.0-or-later
// An allocator that reports each call by a datagram, as some profilers do. Memory is never freed. A send that re-enters
// it, because the library behind send(2) allocates, ends the program: otherwise it would never end. For programs with
// one thread.
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARENA (64u << 20)
#define EXPORT __attribute__((visibility("default")))

static _Alignas(16) unsigned char arena[ARENA];
static size_t used;
static int sending;
static int fd = -1;

static void report(void) {
  static const char trouble[] = "a send allocates\n";
  struct sockaddr_in name;
  const int saved = errno;
  if (__atomic_exchange_n(&sending, 1, __ATOMIC_SEQ_CST) != 0) {
    if (write(STDERR_FILENO, trouble, sizeof trouble - 1) < 0) _exit(14);
    _exit(13);
  }
  memset(&name, 0, sizeof name);
  name.sin_family = AF_INET;
  name.sin_port = htons(9000);
  name.sin_addr.s_addr = htonl(0x0a630909);  // 10.99.9.9, the lab's service
  if (fd < 0) fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sendto(fd, "allocation", 10, 0, (const struct sockaddr*)&name, sizeof name);
  __atomic_store_n(&sending, 0, __ATOMIC_SEQ_CST);
  errno = saved;
}

static void* take(size_t size) {
  const size_t whole = ((size + 15) & ~(size_t)15) + 16;
  const size_t at = __atomic_fetch_add(&used, whole, __ATOMIC_SEQ_CST);
  if (size > ARENA || at + whole > ARENA) {
    errno = ENOMEM;
    return NULL;
  }
  memcpy(arena + at, &size, sizeof size);
  return arena + at + 16;
}

EXPORT void* malloc(size_t size) {
  report();
  return take(size);
}

EXPORT void* calloc(size_t count, size_t size) {
  report();
  return size != 0 && count > ARENA / size ? NULL : take(count * size);  // fresh memory is zero
}

EXPORT void* realloc(void* old, size_t size) {
  size_t had = 0;
  void* fresh = malloc(size);
  if (old == NULL || fresh == NULL) return fresh;
  memcpy(&had, (unsigned char*)old - 16, sizeof had);
  memcpy(fresh, old, had < size ? had : size);
  return fresh;
}

EXPORT void free(void* pointer) {
  if (pointer != NULL) report();
}
