/* SPDX-License-Identifier: MIT */
/*
 * processes.h: a process for each case, several at a time. No thread and no element exists in the
 * parent, so forking is sound.
 */
#pragma once

#include "case.h"

G_BEGIN_DECLS

typedef struct {
  const Holder *holder;
  const Call *call;
  Case *seen;
} Task;
void processes_run (const Options *options, const Task *tasks, guint n, guint jobs);
/* Memory that children can write to. */
gpointer processes_shared (gsize size);

G_END_DECLS
