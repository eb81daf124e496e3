/* SPDX-License-Identifier: MIT */
#include "lock-copy.h"

static const LockCopy copy = {
  .create = wg_lock_new,
  .unref = wg_lock_unref,
  .acquire = wg_lock_acquire,
  .release = wg_lock_release,
  .get_counts = wg_lock_get_counts,
  .set_log_func = wg_log_set_func,
};

__attribute__ ((visibility ("default"))) const LockCopy *
lock_copy (void)
{
  return &copy;
}
