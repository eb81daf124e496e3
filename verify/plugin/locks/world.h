/* SPDX-License-Identifier: MIT */
/*
 * world.h: two pairs of producer and consumer, what else there is to act on, and names of locks.
 */
#pragma once

#include "consumer.h"
#include "holders.h"
#include "producer.h"

G_BEGIN_DECLS

/* A call that takes longer never returns. Also the limit of every other wait. */
#define NEVER_MS 3000
/* WOLF_GUARD_LOCK_MS of the run, and how often a call may wait so long: once for a lock that is
 * kept. */
#define LOCK_MS 300
#define LOCKS_ON_THE_WAY 1
/* Less than LOCK_MS, or one lock too many would pass for slowness. On a busy machine what the case
 * was late by comes on top. */
#define SLACK_MS 250
#define LIMIT_MS (LOCK_MS * LOCKS_ON_THE_WAY + SLACK_MS)

typedef struct {
  Producer *p, *q, *r, *x, *w; /* r has other caps; x and w are down */
  Consumer *a, *b, *c;         /* a and b listen to p, c to q */
  Consumer *y, *s, *t, *z;     /* y plays and listens to x; the others are down and want p */
  Producer *older, *newest;    /* of one name; the newest is down, the heir listens to it */
  Consumer *heir;
} World;

World *world_new (void);
/* Whether a new pair delivers, and whether b can listen to it. Bounded. */
gboolean world_new_pair_delivers (World *world, guint ms);
gboolean world_other_listener_switches (World *world, guint ms);
/* The thread that delivers to a may deliver to b as well. If it holds b's lock when it stops, b is
 * the affected one and a the other: then the world that calls see is a copy with a and b
 * exchanged. */
World *world_turn_to (World *world, const WgHeld *held);
/* Names what a lock belongs to. Newly allocated. */
gchar *world_name_lock (World *world, const gchar *plugin, const void *lock, gboolean of_glib);

G_END_DECLS
