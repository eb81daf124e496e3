/* SPDX-License-Identifier: MIT */
/*
 * rig.h: what a scenario is made of: jobs, feeds (producers), takes (consumers), windows.
 *
 * A Feed is an interpipesink with a bare pad in front of it: the scenario's own thread is its
 * streaming thread, so that nothing happens between two steps. A Take is an interpipesrc with a
 * bare pad behind it, which writes down what arrives. Each buffer says in itself who sent it, as
 * what number, with what timestamp, and is as long as the `width` in the caps that it was sent
 * under.
 *
 * Threads: all functions may be called from any thread; a Feed is pushed into by one thread at a
 * time. Everything ends with the process: nothing needs to be freed for the sake of order.
 */
#pragma once

#include "interpipe.h"

G_BEGIN_DECLS

/* job.c: something that may never return, in a thread of its own. */
typedef struct Job Job;
typedef void (*Act) (gpointer data);
Job *job_start (Act act, gpointer data);
gboolean job_wait (Job *job, guint ms);
/* Whether it returned in time; it goes on alone if not. */
gboolean within (guint ms, Act act, gpointer data);

/* A moment inside of a call, at which somebody else acts. Opened by a callback; the callback waits
 * a little for the other to get through. */
typedef struct {
  Act act;
  gpointer data;
  Job *job;
  gint at;          /* at which of the callbacks; 0: the first */
  gint opened;      /* how many callbacks there were */
  gboolean through; /* the other returned while the callback still ran */
} Window;

void window_open (gpointer window);
/* Lets the other act now if it has not yet. Whether it returns in time. */
gboolean window_close (Window *window);
/* The same, but the callback does not return before window_release() or a long time. */
typedef struct {
  GMutex lock;
  GCond cond;
  gboolean entered, released;
} Gate;
void gate_enter (gpointer gate);
gboolean gate_wait_entered (Gate *gate, guint ms);
void gate_release (Gate *gate);
/* Runs act in a job; each message that the plugin logs in it opens the window (or enters a gate).
 * At most eight times. */
Job *job_start_with_logs (Act act, gpointer data, Act on_message, gpointer message_data);

/* pool.c: a pool that counts. */
GstBufferPool *counting_pool_new (guint size, guint min, guint max);
guint counting_pool_allocated (GstBufferPool *pool);
/* Buffers thrown away although the pool was in use. */
guint counting_pool_discarded (GstBufferPool *pool);

/* rig.c */
#define WGI_FEEDS 16
#define WGI_BUFFER_INTERVAL (10 * GST_MSECOND)

typedef struct {
  GstElement *sink; /* our reference; NULL after feed_drop */
  GstPad *pad;
  GstBufferPool *pool;
  guint id;
  gint width;
  gboolean no_pts;
  gint number;  /* of the next buffer */
  gint pushing; /* a push has not returned */
  gint running; /* feed_run goes on */
  Act on_event; /* an upstream event arrives */
  gpointer on_event_data;
  Act on_query;
  gpointer on_query_data;
  gint answer_context; /* answers context queries */
} Feed;

/* Playing, and with stream-start, caps and segment sent. NULL when that did not end in time. */
Feed *feed_new (const gchar *name, guint id, gint width);
/* The same, in the calling thread and without a bound. */
Feed *feed_new_here (const gchar *name, guint id, gint width, GstState state);
void feed_start_stream (Feed *feed);
gboolean feed_caps (Feed *feed, gint width);
void feed_push (gpointer feed); /* one buffer; an Act */
void feed_push_n (Feed *feed, guint n);
void feed_run (gpointer feed); /* pushes until feed->running is FALSE; an Act */
/* Whether a push has stood still for a while. */
gboolean feed_wait_stalled (Feed *feed, guint ms);
gboolean feed_wait_number (Feed *feed, gint number, guint ms);
void feed_event (Feed *feed, const gchar *name, gint number, gboolean serialized);
guint feed_num_listeners (Feed *feed);
void feed_rename (Feed *feed, const gchar *name);
/* NULL state. */
void feed_stop (Feed *feed);
/* The last reference of the scenario. An Act. */
void feed_drop (gpointer feed);
/* Both. An Act. */
void feed_end (gpointer feed);

typedef struct Take Take;
struct Take {
  GstElement *src;
  GstPad *pad;
  gulong block;
  GMutex lock;
  GCond cond;
  gint width;             /* of the last caps; 0: none */
  gint64 last[WGI_FEEDS]; /* highest number of each feed; -1: none */
  guint count[WGI_FEEDS]; /* buffers of each feed */
  guint total, again;     /* all; those that had come before */
  guint wrong_caps;       /* longer or shorter than the caps say */
  guint other_pts;        /* not the PTS that they were sent with, plus shift */
  gint64 shift;           /* what the PTS is expected to be changed by */
  guint stopped_flushes;  /* FLUSH_STOP events */
  guint out_of_order;     /* numbered events */
  guint last_event;       /* highest number of such */
  guint event_before;     /* last_event when the last buffer came */
  guint hold;             /* how many buffers are kept a while */
  gboolean decline;       /* answers allocation queries with no */
  gboolean sizes;         /* answers them with the size under its own caps, as x264enc does */
  GQueue held;
  GstCaps *caps; /* what it takes; NULL: anything */
  Act on_caps_query, on_event;
  gpointer on_caps_query_data, on_event_data;
};

Take *take_new (const gchar *name, const gchar *listen_to);
/* Whether it played in time. */
gboolean take_start (Take *take);
gboolean take_stop (Take *take);
/* Playing, or the scenario is not so. */
Take *take_playing (const gchar *name, const gchar *listen_to);
/* Whether the call returned within `ms`. */
gboolean take_listen (Take *take, const gchar *node, guint ms);
/* The same without a bound, in the calling thread. */
void take_listen_here (Take *take, const gchar *node);
/* Whether buffer `number` of a feed, or a later one, arrives. */
gboolean take_wait (Take *take, guint feed, gint64 number, guint ms);
/* One of the figures above, while it may be written. */
guint take_read (Take *take, const guint *figure);
/* Pushes one and waits for it. */
gboolean take_gets (Take *take, Feed *feed);
/* All that was queued has arrived, told by a buffer of our own put behind it. */
gboolean take_settle (Take *take);
gboolean take_wait_event (Take *take, guint number, guint ms);
/* Its streaming thread stands still at the next buffer. */
void take_stall (Take *take);
gboolean take_wait_stalled (Take *take, guint ms);
void take_go_on (Take *take);
/* The last reference of the scenario. An Act. */
void take_drop (gpointer take);

/* Waits until check (data) is TRUE. */
gboolean wait_until (gboolean (*check) (gpointer data), gpointer data, guint ms);

G_END_DECLS
