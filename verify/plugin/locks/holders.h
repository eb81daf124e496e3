/* SPDX-License-Identifier: MIT */
/*
 * holders.h: a thread that stalls, or dies, while it holds a lock of the plugin.
 *
 * libwglocks.so is preloaded. It wraps the lock and unlock functions of GLib and pthreads, and
 * looks at nothing but calls that come from the plugin's own code, in a thread that was armed.
 * Such a thread stalls or ends right after its k-th lock, as told, once in a process. The table is
 * found by dlsym (WG_HOLDERS_SYMBOL), so that the program needs no link to the library.
 *
 * Threads: arm() is about the calling thread; one in a process is armed. The rest is for any.
 */
#pragma once

#define WG_HOLDERS_SYMBOL "wg_holders_table"
#define WG_HOLDERS_PLUGIN "libgstinterpipe.so"
#define WG_HOLDERS_MAX 16
/* A k that is not reached: count, and note what is held. */
#define WG_HOLDERS_NEVER 0xffffffffU

typedef enum {
  WG_HOLD_STALL, /* until release() */
  WG_HOLD_EXIT,  /* pthread_exit */
  WG_HOLD_BARE   /* the bare exit syscall */
} WgHow;

/* What the thread held when it stalled or ended, oldest first. */
typedef struct {
  unsigned n;
  const void *locks[WG_HOLDERS_MAX];
  unsigned char of_glib[WG_HOLDERS_MAX]; /* GMutex, not pthread's */
} WgHeld;

typedef struct {
  void (*arm) (unsigned k, WgHow how);
  void (*hold_here) (void); /* now, with or without a lock; the first caller only */
  unsigned (*count) (void); /* locks that the armed thread got so far */
  /* Whether it stalls or has ended. 0: not within `ms`. */
  int (*wait_held) (unsigned ms, WgHeld *held);
  void (*release) (void);
} WgHolders;
