/* A library that is loaded before libc and spoils the n-th call of its kind of a process below a folder.
 *
 * SHIM_UNDER   the folder; calls on other files are passed on uncounted
 * SHIM_AT      the number of the call that is spoilt, from 1; 0 for none
 * SHIM_FAULT   of a read: short | fail | zeros | other; of an entry of a folder: unlisted | broken; of opening a file
 *              or asking about it: refused
 * SHIM_COUNT   where the numbers of reads, entries and looks, and 1 if one was spoilt, are written at the end
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Another page of the same file: the next one but two of the usual size. */
#define ELSEWHERE (3 * 16384)

static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static struct dirent64 *(*real_readdir)(DIR *);
static int (*real_open)(const char *, int, ...);
static int (*real_statx)(int, const char *, int, unsigned, struct statx *);
static const char *under, *fault;
static long at;
static atomic_long reads, entries, looks, spoilt;

__attribute__((constructor)) static void begin(void) {
  real_pread = dlsym(RTLD_NEXT, "pread64");
  real_read = dlsym(RTLD_NEXT, "read");
  real_readdir = dlsym(RTLD_NEXT, "readdir64");
  real_open = dlsym(RTLD_NEXT, "open64");
  real_statx = dlsym(RTLD_NEXT, "statx");
  under = getenv("SHIM_UNDER");
  fault = getenv("SHIM_FAULT");
  const char *text = getenv("SHIM_AT");
  at = text ? atol(text) : 0;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("SHIM_COUNT");
  FILE *out = path ? fopen(path, "w") : NULL;
  if (out) {
    fprintf(out, "%ld %ld %ld %ld\n", (long)reads, (long)entries, (long)looks, (long)spoilt);
    fclose(out);
  }
}

static int is(const char *name) {
  return fault && !strcmp(fault, name);
}

static int is_below(const char *path) {
  return under && !strncmp(path, under, strlen(under));
}

/* Whether the open file or folder lies below the folder. */
static int is_ours(int fd) {
  char link[64], target[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length <= 0) return 0;
  target[length] = 0;
  return is_below(target);
}

/* Whether this call is the one, if the fault is of its kind. */
static int is_next(atomic_long *count, int of_kind) {
  return atomic_fetch_add(count, 1) + 1 == at && of_kind;
}

/* Whether this read is the one. */
static int is_spoilt(int fd) {
  return is_ours(fd) && is_next(&reads, is("short") || is("fail") || is("zeros") || is("other"));
}

static ssize_t fail(void) {
  errno = EIO;
  return -1;
}

static ssize_t spoil_pread(int fd, void *buffer, size_t size, off_t offset) {
  atomic_store(&spoilt, 1);
  if (is("fail")) return fail();
  if (is("short")) return real_pread(fd, buffer, size / 2, offset);
  if (is("other")) {
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
  if (is("fail")) return fail();
  if (is("short")) return real_read(fd, buffer, size > 1 ? size / 2 : size);
  ssize_t got = real_read(fd, buffer, size);
  if (got > 0) memset(buffer, 0, got);
  return got;
}

/* An entry is passed over, or the system cannot read on. */
struct dirent64 *readdir64(DIR *folder) {
  if (!is_ours(dirfd(folder)) || !is_next(&entries, is("unlisted") || is("broken"))) return real_readdir(folder);
  atomic_store(&spoilt, 1);
  if (is("unlisted")) return real_readdir(folder) ? real_readdir(folder) : NULL;
  errno = EIO;
  return NULL;
}

static int refuses(const char *path) {
  if (!is_below(path) || !is_next(&looks, is("refused"))) return 0;
  atomic_store(&spoilt, 1);
  errno = EIO;
  return 1;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return refuses(path) ? -1 : real_open(path, flags, mode);
}

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict out) {
  /* Rust asks with no path at all whether there is such a call, and the compiler believes that nobody does. */
  const char *volatile asked = path;
  return asked && refuses(asked) ? -1 : real_statx(folder, path, flags, mask, out);
}
