/* A library that is loaded before libc and spoils the n-th read of a process below a folder.
 *
 * SHIM_UNDER   the folder; reads of other files are passed on uncounted
 * SHIM_AT      the number of the read that is spoilt, from 1; 0 for none
 * SHIM_FAULT   short | fail | zeros | other
 * SHIM_COUNT   where the number of reads, and 1 if one was spoilt, are written at the end
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Another page of the same file: the next one but two of the usual size. */
#define ELSEWHERE (3 * 16384)

static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static const char *under, *fault;
static long at;
static atomic_long reads, spoilt;

__attribute__((constructor)) static void begin(void) {
  real_pread = dlsym(RTLD_NEXT, "pread64");
  real_read = dlsym(RTLD_NEXT, "read");
  under = getenv("SHIM_UNDER");
  fault = getenv("SHIM_FAULT");
  const char *text = getenv("SHIM_AT");
  at = text ? atol(text) : 0;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("SHIM_COUNT");
  FILE *out = path ? fopen(path, "w") : NULL;
  if (out) {
    fprintf(out, "%ld %ld\n", (long)reads, (long)spoilt);
    fclose(out);
  }
}

/* Whether this read is the one. */
static int is_spoilt(int fd) {
  char link[64], target[4096];
  if (!under || !fault) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length <= 0) return 0;
  target[length] = 0;
  if (strncmp(target, under, strlen(under)) != 0) return 0;
  return atomic_fetch_add(&reads, 1) + 1 == at;
}

static ssize_t fail(void) {
  errno = EIO;
  return -1;
}

static ssize_t spoil_pread(int fd, void *buffer, size_t size, off_t offset) {
  atomic_store(&spoilt, 1);
  if (!strcmp(fault, "fail")) return fail();
  if (!strcmp(fault, "short")) return real_pread(fd, buffer, size / 2, offset);
  if (!strcmp(fault, "other")) {
    ssize_t got = real_pread(fd, buffer, size, offset + ELSEWHERE);
    return got == (ssize_t)size ? got : real_pread(fd, buffer, size, 0);
  }
  ssize_t got = real_pread(fd, buffer, size, offset);
  if (got > 0) memset(buffer, 0, got);
  return got;
}

ssize_t pread64(int fd, void *buffer, size_t size, off_t offset) {
  return is_spoilt(fd) ? spoil_pread(fd, buffer, size, offset) : real_pread(fd, buffer, size, offset);
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset) {
  return pread64(fd, buffer, size, offset);
}

ssize_t read(int fd, void *buffer, size_t size) {
  if (!is_spoilt(fd)) return real_read(fd, buffer, size);
  atomic_store(&spoilt, 1);
  if (!strcmp(fault, "fail")) return fail();
  if (!strcmp(fault, "short")) return real_read(fd, buffer, size > 1 ? size / 2 : size);
  ssize_t got = real_read(fd, buffer, size);
  if (got > 0) memset(buffer, 0, got);
  return got;
}
