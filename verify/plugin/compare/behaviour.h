/* SPDX-License-Identifier: MIT */
/*
 * behaviour.h: what a program can see of an interpipe plugin, each as a short text, which is the
 * same
 * in each run of one plugin.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const gchar *name;
  /* In a process of its own, with the plugin loaded. Newly allocated. */
  gchar *(*observe) (gint detail);
  gint detail;
} Behaviour;

/* Each ended by a NULL name. */
extern const Behaviour wgi_queries[], wgi_events[], wgi_elements[];

G_END_DECLS
