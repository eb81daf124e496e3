/* SPDX-License-Identifier: MIT */
/*
 * hold.c: libwghold.so, for LD_PRELOAD: a program whose folders are on a disk that does not answer.
 *
 * While the file that WG_HOLD_FLAG names is there, mkdir() of a path that begins with
 * WG_HOLD_FOLDER does not return. Any thread may call it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef int (*Make) (const char *, mode_t);

__attribute__ ((visibility ("default"))) int
mkdir (const char *path, mode_t mode)
{
  const char *flag = getenv ("WG_HOLD_FLAG"), *folder = getenv ("WG_HOLD_FOLDER");
  const struct timespec look = { .tv_nsec = 10 * 1000 * 1000 };
  union {
    void *symbol;
    Make make;
  } real;

  if (flag != NULL && folder != NULL && strncmp (path, folder, strlen (folder)) == 0)
    while (access (flag, F_OK) == 0)
      nanosleep (&look, NULL);
  real.symbol = dlsym (RTLD_NEXT, "mkdir");
  return real.make (path, mode);
}
