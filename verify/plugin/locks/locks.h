/* SPDX-License-Identifier: MIT */
/*
 * locks.h: who waits for whom: calls, while a thread stalls or has died with something in its hands.
 *
 * Life: the program starts itself again with libwglocks.so preloaded, loads the plugin, and forks a
 * process for each case (one holder, one call) from then on, several at a time. Nothing has made a
 * thread or an element by then, so forking is sound. A case leaves what it saw in memory shared with
 * the parent and ends by _exit.
 *
 * Threads: in a case, the holder and the call have a thread each; the case's own only waits, with
 * bounds.
 */
#pragma once

#include "fixture.h"
#include "holders.h"

G_BEGIN_DECLS

/* Not returned within this: never. Also the longest that anything else is waited for. */
#define NEVER_MS 3000
/* WOLF_GUARD_LOCK_MS of the run, and how many such bounds a call may cost: a lock that is kept is waited for
 * once. */
#define LOCK_MS 300
#define LOCKS_ON_THE_WAY 1
/* A busy machine. Less than LOCK_MS, or one lock too many would pass for slowness. */
#define SLACK_MS 250
#define LIMIT_MS (LOCK_MS * LOCKS_ON_THE_WAY + SLACK_MS)

#define MAX_CALLS 32
#define MAX_OPERATIONS 64
#define MAX_LOCKS_OF_AN_OPERATION 24

typedef struct {
  gchar *plugin; /* the file */
  gchar *label, *only, *calls, *out, *gdb;
  gint jobs;
  gboolean long_run, list;
} Options;

/* world.c: two pairs and what else there is to act on. */
typedef struct {
  Feed *p, *q, *r, *x, *w; /* r has other caps; x and w are down */
  Take *a, *b, *c;         /* a and b listen to p, c to q */
  Take *y, *s, *t, *z;     /* y plays and listens to x; the others are down and want p */
  Feed *older, *newest;    /* of one name; the newest is down, the heir listens to it */
  Take *heir;
} World;

World *world_new (void);
/* Whether a new pair delivers, and whether b can listen to it. Bounded. */
gboolean world_new_pair_delivers (World *world, guint ms);
gboolean world_other_listener_switches (World *world, guint ms);
/* The thread that delivers to a may deliver to b as well, and have b's lock in its hands when it stops: then b is
 * the affected one, and a the other. Returns the world as calls are to see it, which is a copy if so. */
World *world_turn_to (World *world, const WgHeld *held);
/* Names what a lock belongs to. Newly allocated. */
gchar *world_name_lock (World *world, const gchar *plugin, const void *lock, gboolean of_glib);

/* calls.c */
typedef struct {
  const gchar *name, *brief; /* brief: a column's head */
  void (*act) (World *world);
} Call;
extern const Call wl_calls[]; /* ends with NULL */
guint wl_n_calls (void);
/* A buffer was pushed and did not arrive. */
extern gint wl_lost;
/* When the call returned, where something was waited for after that; µs. In the call's thread. */
extern gint64 wl_returned;

/* operations.c */
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
  void (*act) (World *world);
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

/* case.c: one process. */
typedef enum { CASE_NOT_RUN, CASE_NOT_SET_UP, CASE_NOT_HELD, CASE_RUN } CaseState;
typedef struct {
  CaseState state;
  gboolean over;        /* the process came to its end */
  gdouble ms;           /* of the call; < 0: never */
  gboolean lost;        /* the buffer */
  gboolean late;        /* it did not even return after the holder's release */
  gboolean stuck;       /* the holder did not go on after its release */
  gboolean pair, other; /* work again */
  gint criticals;
  guint count; /* when counting */
  gchar holds[160], message[160], crash[48];
  gboolean turned; /* b is the affected one */
  guint again;     /* how often it was run */
  gchar first[80]; /* what was wrong the first time, if it was run again */
} Case;
/* In the child. NULL call: counts the operation's locks. */
void case_run (const Options *options, const Holder *holder, const Call *call, Case *seen);

/* pool.c: many of them, several at a time. */
typedef struct {
  const Holder *holder;
  const Call *call;
  Case *seen;
} Task;
void pool_run (const Options *options, const Task *tasks, guint n, guint jobs);
/* Memory that children can write to. */
gpointer pool_shared (gsize size);

/* judge.c */
/* NULL: the call may not be kept waiting by this holder. */
const gchar *judge_allowed (const Holder *holder, const Call *call);
/* What is wrong; NULL: nothing. Static text. */
const gchar *judge_case (
    const Options *options, const Holder *holder, const Call *call, const Case *seen);
/* One line of JSON for a row, newly allocated. */
gchar *judge_row (const Options *options, const Holder *holder, const Case *row, gboolean *pass);
void judge_table (const Holder *holders, Case *const *rows, guint n);

G_END_DECLS
