/* SPDX-License-Identifier: MIT */
/*
 * refuse.c: libwgrefuse.so, for LD_PRELOAD: a program in which no thread can be made.
 *
 * While the file that WG_REFUSE_THREADS names is there, pthread_create() fails with EAGAIN, as it
 * does when a cgroup or the kernel has no more of them. Any thread may call it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*Create) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *);

__attribute__ ((visibility ("default"))) int
pthread_create (
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run) (void *), void *data)
{
  const char *file = getenv ("WG_REFUSE_THREADS");
  union {
    void *symbol;
    Create create;
  } real;

  if (file != NULL && access (file, F_OK) == 0)
    return EAGAIN;
  real.symbol = dlsym (RTLD_NEXT, "pthread_create");
  return real.create (thread, attributes, run, data);
}
