/* SPDX-License-Identifier: MIT
 *
 * A copy of guard's lock in a shared module of its own, as a plugin would have it: all that it
 * shows is one function that hands out the others.
 */
#pragma once

#include <wolf-guard/lock-inspect.h>
#include <wolf-guard/log.h>

typedef struct {
  WgLock *(*create) (const gchar *name);
  void (*unref) (WgLock *lock);
  WgLockResult (*acquire) (WgLock *lock, const gchar *place);
  gboolean (*release) (WgLock *lock);
  void (*get_counts) (WgLockCounts *counts);
  void (*set_log_func) (WgLogFunc func);
} LockCopy;

#define LOCK_COPY_ENTRY "lock_copy"
typedef const LockCopy *(*LockCopyFunc) (void);
const LockCopy *lock_copy (void);
