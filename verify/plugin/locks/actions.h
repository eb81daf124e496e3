/* SPDX-License-Identifier: MIT */
/*
 * actions.h: what a thread does when it stalls or ends (an operation, whose thread is the holder),
 * and what another thread does meanwhile (a call).
 */
#pragma once

#include "world.h"

G_BEGIN_DECLS

#define MAX_CALLS 32
#define MAX_OPERATIONS 64
#define MAX_LOCKS_OF_AN_OPERATION 24

typedef struct {
  const gchar *name, *brief; /* brief: a column's head */
  void (*step) (World *world);
} Call;
extern const Call wl_calls[]; /* ends with NULL */
guint wl_n_calls (void);
/* A buffer was pushed and did not arrive. */
extern gint wl_lost;
/* When the call returned, where something was waited for after that; µs. In the call's thread. */
extern gint64 wl_returned;

typedef enum {
  AT_LOCKS,   /* at each lock that it takes */
  IN_CALLBACK /* in a callback that the plugin or GStreamer makes, whatever is held then */
} Where;
typedef struct {
  const gchar *name, *about;
  Where where;
  gboolean arms_itself; /* another thread than the caller's is the holder */
  gboolean only_stalls;
  gboolean delivers; /* the holder may do so for another than a: world_turn_to() */
  void (*prepare) (World *world);
  void (*step) (World *world);
  gboolean (*wait_held) (World *world); /* instead of the injector's */
  void (*release) (World *world);
} Operation;
extern const Operation wl_operations[];
extern const WgHolders *wl_holders;
/* For what arms itself. */
extern guint wl_arm_k;
extern WgHow wl_arm_how;

/* One row. */
typedef struct {
  const Operation *operation;
  guint k; /* 0: in a callback */
  WgHow how;
} Holder;
/* Newly allocated, such as "listen-2-stall". */
gchar *holder_name (const Holder *holder);

G_END_DECLS
