/* SPDX-License-Identifier: MIT */
/* libwglocks.so. Nothing in here takes a lock: it would count as one more that is held. */
#define _GNU_SOURCE
#include "holders.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__ ((visibility ("default")))

/* What is wrapped, by its own name in the next library. */
static int (*next_lock) (pthread_mutex_t *);
static int (*next_trylock) (pthread_mutex_t *);
static int (*next_timedlock) (pthread_mutex_t *, const struct timespec *);
static int (*next_clocklock) (pthread_mutex_t *, clockid_t, const struct timespec *);
static int (*next_unlock) (pthread_mutex_t *);

static struct {
  atomic_uintptr_t begin, end; /* the plugin's code */
  WgHow how;
  atomic_uint count;
  atomic_flag used;
  sem_t held, released;
  WgHeld what;
} global = { .used = ATOMIC_FLAG_INIT };

static __thread struct {
  int armed;
  unsigned k, count;
  WgHeld held;
} self;

/* Casts by memory: ISO C has none from object to function pointers. */
#define NEXT(function, name)                                                                       \
  do {                                                                                             \
    if ((function) == NULL) {                                                                      \
      void *symbol = dlsym (RTLD_NEXT, name);                                                      \
      memcpy (&(function), &symbol, sizeof symbol);                                                \
    }                                                                                              \
  } while (0)

static int
note_plugin (struct dl_phdr_info *info, size_t size, void *data)
{
  const char *name = strrchr (info->dlpi_name, '/');
  (void) size, (void) data;

  if (name == NULL || strcmp (name + 1, WG_HOLDERS_PLUGIN) != 0)
    return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW (Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
      continue;
    const uintptr_t begin = info->dlpi_addr + header->p_vaddr;
    atomic_store (&global.end, begin + header->p_memsz);
    atomic_store (&global.begin, begin);
  }
  return 1;
}

/* Before there is a second thread. */
__attribute__ ((constructor)) static void
make_semaphores (void)
{
  sem_init (&global.held, 0, 0);
  sem_init (&global.released, 0, 0);
}

static void
hold (void)
{
  if (atomic_flag_test_and_set (&global.used))
    return;
  self.armed = 0;
  global.what = self.held;
  sem_post (&global.held);
  switch (global.how) {
  case WG_HOLD_STALL:
    while (sem_wait (&global.released) == -1 && errno == EINTR)
      ;
    break;
  case WG_HOLD_EXIT:
    pthread_exit (NULL);
  case WG_HOLD_BARE:
    syscall (SYS_exit, 0);
  }
}

static void
got (const void *lock, const void *caller, int of_glib)
{
  const uintptr_t at = (uintptr_t) caller;

  if (!self.armed || at < atomic_load (&global.begin) || at >= atomic_load (&global.end))
    return;
  if (self.held.n < WG_HOLDERS_MAX) {
    self.held.of_glib[self.held.n] = (unsigned char) of_glib;
    self.held.locks[self.held.n++] = lock;
  }
  atomic_store (&global.count, ++self.count);
  if (self.count == self.k)
    hold ();
}

static void
lost (const void *lock)
{
  for (unsigned i = self.armed ? self.held.n : 0; i-- > 0;) {
    if (self.held.locks[i] != lock)
      continue;
    self.held.n--;
    memmove (&self.held.locks[i], &self.held.locks[i + 1],
        (self.held.n - i) * sizeof self.held.locks[0]);
    memmove (&self.held.of_glib[i], &self.held.of_glib[i + 1], self.held.n - i);
    return;
  }
}

/* ---- what is wrapped ---- */

/* A kind of GLib's locks. */
#define WRAP(kind)                                                                                 \
  EXPORT void kind##_lock (void *mutex);                                                           \
  EXPORT void kind##_unlock (void *mutex);                                                         \
  EXPORT int kind##_trylock (void *mutex);                                                         \
                                                                                                   \
  void kind##_lock (void *mutex)                                                                   \
  {                                                                                                \
    static void (*next) (void *);                                                                  \
    NEXT (next, #kind "_lock");                                                                    \
    next (mutex);                                                                                  \
    got (mutex, __builtin_return_address (0), 1);                                                  \
  }                                                                                                \
                                                                                                   \
  int kind##_trylock (void *mutex)                                                                 \
  {                                                                                                \
    static int (*next) (void *);                                                                   \
    NEXT (next, #kind "_trylock");                                                                 \
    const int taken = next (mutex);                                                                \
    if (taken)                                                                                     \
      got (mutex, __builtin_return_address (0), 1);                                                \
    return taken;                                                                                  \
  }                                                                                                \
                                                                                                   \
  void kind##_unlock (void *mutex)                                                                 \
  {                                                                                                \
    static void (*next) (void *);                                                                  \
    NEXT (next, #kind "_unlock");                                                                  \
    lost (mutex);                                                                                  \
    next (mutex);                                                                                  \
  }

/* clang-format off */
WRAP (g_mutex)
WRAP (g_rec_mutex) /* GStreamer's STREAM_LOCK and STATE_LOCK */
/* clang-format on */

static int
note (int result, const void *mutex, const void *caller)
{
  if (result == 0 || result == EOWNERDEAD)
    got (mutex, caller, 0);
  return result;
}

EXPORT int
pthread_mutex_lock (pthread_mutex_t *mutex)
{
  NEXT (next_lock, "pthread_mutex_lock");
  return note (next_lock (mutex), mutex, __builtin_return_address (0));
}

EXPORT int
pthread_mutex_trylock (pthread_mutex_t *mutex)
{
  NEXT (next_trylock, "pthread_mutex_trylock");
  return note (next_trylock (mutex), mutex, __builtin_return_address (0));
}

EXPORT int
pthread_mutex_timedlock (pthread_mutex_t *mutex, const struct timespec *at)
{
  NEXT (next_timedlock, "pthread_mutex_timedlock");
  return note (next_timedlock (mutex, at), mutex, __builtin_return_address (0));
}

EXPORT int
pthread_mutex_clocklock (pthread_mutex_t *mutex, clockid_t clock, const struct timespec *at)
{
  NEXT (next_clocklock, "pthread_mutex_clocklock");
  return note (next_clocklock (mutex, clock, at), mutex, __builtin_return_address (0));
}

EXPORT int
pthread_mutex_unlock (pthread_mutex_t *mutex)
{
  NEXT (next_unlock, "pthread_mutex_unlock");
  lost (mutex);
  return next_unlock (mutex);
}

/* ---- what the program calls ---- */

static void
holders_arm (unsigned k, WgHow how)
{
  dl_iterate_phdr (note_plugin, NULL);
  global.how = how;
  atomic_store (&global.count, 0);
  memset (&self, 0, sizeof self);
  self.k = k;
  self.armed = 1;
}

static unsigned
holders_count (void)
{
  return atomic_load (&global.count);
}

static int
holders_wait_held (unsigned ms, WgHeld *held)
{
  struct timespec until;
  int result;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += ms % 1000 * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  while ((result = sem_clockwait (&global.held, CLOCK_MONOTONIC, &until)) == -1 && errno == EINTR)
    ;
  if (result == 0)
    *held = global.what;
  return result == 0;
}

static void
holders_release (void)
{
  sem_post (&global.released);
}

EXPORT extern const WgHolders wg_holders_table;
const WgHolders wg_holders_table = { holders_arm, hold, holders_count, holders_wait_held,
  holders_release };
