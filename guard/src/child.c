/* SPDX-License-Identifier: MIT
 *
 * Runs between fork and exec in the child of a process with threads: whatever lock another thread
 * held at the fork, malloc's included, is held here for ever. Hence system calls only.
 */
#include <wolf-guard/child.h>

#include "child-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The C library's and the kernel's headers may be older than the kernel that this runs on. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* What getdents64() writes. The C libraries name it differently. */
typedef struct {
  guint64 inode;
  gint64 offset;
  guint16 length;
  guint8 type;
  char name[];
} KernelEntry;

/* A descriptor's number; -1 for "." and "..". */
static int
parse_descriptor (const char *name)
{
  int number = 0;

  if (!*name)
    return -1;
  for (; *name; name++) {
    int digit = *name - '0';

    if (digit < 0 || digit > 9 || number > (G_MAXINT - digit) / 10)
      return -1;
    number = number * 10 + digit;
  }
  return number;
}

int
wg_child_mark_by_range (int first)
{
  return syscall (SYS_close_range, (guint) first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? errno : 0;
}

int
wg_child_mark_by_walk (int first)
{
  _Alignas(KernelEntry) char entries[4096];
  int dir = open ("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = 0;
  long length;

  if (dir < 0)
    return errno;
  while ((length = syscall (SYS_getdents64, dir, entries, sizeof entries)) > 0)
    for (long at = 0; at < length;) {
      const KernelEntry *entry = (const void *) (entries + at);
      int fd = parse_descriptor (entry->name);

      if (fd >= first && fcntl (fd, F_SETFD, FD_CLOEXEC) < 0 && !error)
        error = errno;
      at += entry->length;
    }
  if (length < 0)
    error = errno;
  close (dir);
  return error;
}

int
wg_child_keep_only_below (int first)
{
  if (first < 0)
    return EINVAL;
  /* ENOSYS before Linux 5.9, EINVAL before 5.11, EPERM under older seccomp profiles. */
  return wg_child_mark_by_range (first) == 0 ? 0 : wg_child_mark_by_walk (first);
}
