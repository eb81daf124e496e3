/* SPDX-License-Identifier: MIT */
/*
 * wgfaults.h: fault points inside an unmodified GStreamer program.
 *
 * What it is for: make one chosen element's thread stall, end or hold a lock, on command, the same
 * way in upstream Wolf, in a patched Wolf and in the lab. The program needs no change: the tracer
 * `wgfaults` is loaded with GST_TRACERS=wgfaults, and its socket (WG_FAULTS_SOCKET) takes orders.
 *
 * Life: a *fault* is armed by an order, hit by threads that reach a matching *point*, and released
 * by an order or by its own time limit. A fault that has been released is never hit again. A *hit*
 * is one thread in one fault; hits of threads that ended stay on record as dead.
 *
 * Threads: wgf_point() may be called by any thread and blocks only in a thread that hits a fault.
 * All other functions take one short lock and block only where they say so. The lock is a leaf:
 * nothing here calls into GStreamer while holding it.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Where in an element's life a fault strikes. */
typedef enum {
  WGF_PUSH,   /* a buffer or list is about to be pushed from one of its source pads */
  WGF_CREATE, /* GstBaseSrc::create, before the element's own code */
  WGF_START,  /* GstBaseSrc::start, before the element's own code */
  WGF_STOP,   /* GstBaseSrc::stop, before the element's own code */
  WGF_PARSE,  /* the element is constructed: within gst_parse_launch() */
  WGF_STATE,  /* a state change is about to run */
  WGF_EVENT,  /* an event is about to be pushed from one of its pads */
  WGF_QUERY,  /* a query is about to run on one of its pads */
  WGF_HANDLE, /* a source is about to handle an event that came to it */
  WGF_LOCK,   /* a helper thread of ours has taken one of its locks */
  WGF_N_WHERE,
} WgfWhere;

/* What happens to the thread that hits. */
typedef enum {
  WGF_STALL,        /* waits until released */
  WGF_DIE,          /* the bare thread exit: no unwinding, locks stay taken */
  WGF_PTHREAD_EXIT, /* pthread_exit(): aborts the process where C++ frames forbid unwinding */
} WgfKind;

typedef struct {
  WgfKind kind;
  WgfWhere where;
  gchar *element;  /* glob on the element's name, or NULL */
  gchar *factory;  /* the factory's name, or NULL */
  gchar *pipeline; /* glob on the top-level bin's name, or NULL */
  gchar *with;     /* glob: the top-level bin holds an element of such a name, or NULL */
  gchar *pad;      /* glob on the pad's name, or NULL */
  gchar *type; /* event or query type ("eos", "caps") or state change ("PAUSED->READY"), or NULL */
  gint nth;    /* only the nth matching element alive, oldest first; 0: all */
  gint after;  /* let so many hits pass first */
  gint times;  /* strike so often and no more; 0: every time */
  gint64 for_ms; /* release by itself after so long; 0: never */
} WgfSpec;

void wgf_spec_clear (WgfSpec *spec);
const gchar *wgf_where_name (WgfWhere where);
gboolean wgf_where_from_name (const gchar *name, WgfWhere *where);

/* How many faults are armed at each point. Read relaxed by wgf_point(). */
extern gint wgf_armed[WGF_N_WHERE];

void wgf_point_armed (WgfWhere where, GstElement *element, GstPad *pad, const gchar *type);

/* A thread passes here. Costs one relaxed load while nothing is armed. */
static inline void
wgf_point (WgfWhere where, GstElement *element, GstPad *pad, const gchar *type)
{
  if (G_UNLIKELY (__atomic_load_n (&wgf_armed[where], __ATOMIC_RELAXED) != 0))
    wgf_point_armed (where, element, pad, type);
}

/* elements.c: the elements that are alive, oldest first. */
/* Notes that an element exists. Holds no reference to it. */
void wgf_note_element (GstElement *element);
/* References to all of them; the caller may drop the last one of an element. */
GPtrArray *wgf_elements_alive (void);
guint wgf_elements_count (const WgfSpec *like);
/* Which of those that match it is, from 1; 0: none. */
gint wgf_element_rank (GstElement *element, const WgfSpec *spec);
/* Appends one JSON object per element, with commas. */
void wgf_elements_report (GString *json);

/* Takes the contents of `spec`. Returns the fault's id, never 0. */
guint wgf_arm (WgfSpec *spec);

/* Takes `lock` ("stream", "state" or "object") of the first matching element in a thread of its
 * own, which then holds it, or ends holding it with kind WGF_DIE. Returns the id, or 0 and `error`.
 */
guint wgf_hold (WgfSpec *spec, const gchar *lock, GError **error);

/* Releases one fault by id, those whose `element`, `factory` or `with` was given the same way, or
 * all (id 0 and nothing else). Returns how many. */
guint wgf_release (guint id, const WgfSpec *like, gboolean all);

typedef enum { WGF_WAIT_STALLED, WGF_WAIT_DEAD, WGF_WAIT_SEEN, WGF_WAIT_CLEAR } WgfWait;

/* Blocks until at least `count` threads are stalled (or dead), elements are alive, or no hit is
 * left, for the given id (0: any) and name filters; at most `timeout_ms`. Returns whether it came
 * to be. */
gboolean wgf_wait (WgfWait what, guint id, const WgfSpec *like, guint count, gint64 timeout_ms);

/* Appends members of a JSON object (no braces) telling faults, hits and elements alive. */
void wgf_report (GString *json);

/* Appends one JSON object per element that matches: name, pipeline and the property's value. */
void wgf_report_property (GString *json, const WgfSpec *like, const gchar *property);

/* caps.c: counts raw video frames that are pushed under the caps of another size. */
#define WGF_CAPS_WATCHES 8
extern gint wgf_caps_watched; /* how many watches there are; atomic, only grows */
/* Watches the pads of elements that match and have pushed nothing since the first watch was set.
 * Takes the contents of `spec`. Returns the watch's id, 0 when there are too many. */
guint wgf_caps_watch (WgfSpec *spec);
/* `data`, a buffer or a list of them, is about to be pushed from `pad` of `element`. */
void wgf_caps_look (GstPad *pad, GstElement *element, GstMiniObject *data);
/* Appends one JSON object per watch, with commas: frames, wrong ones, and what the first was. */
void wgf_caps_report (GString *json);

/* vmethods.c: wraps create, start and stop of the element's class, once per class. */
void wgf_vmethods_wrap (GstElement *element);

/* control.c: serves orders on a unix socket in threads of its own. */
void wgf_control_start (const gchar *path);

/* journal.c: one JSON line for each thing of note, in the file that WG_FAULTS_JOURNAL names. */
void wgf_journal_open (const gchar *path);
gboolean wgf_journal_is_open (void);
void wgf_journal_message (GstElement *element, GstMessage *message);
void wgf_journal_state (GstElement *element, GstStateChange change, GstStateChangeReturn result);

/* identity.c: what an element is. Takes object locks; never call it holding one. */
typedef struct {
  gchar *name;
  gchar *factory; /* may be NULL: the factory's first instance does not know it yet */
  GType type;
  gchar *pipeline;
  gchar **siblings; /* names of all elements in the top-level bin */
} WgfIdentity;

void wgf_identify (GstElement *element, WgfIdentity *identity);
void wgf_identity_clear (WgfIdentity *identity);
gboolean wgf_identity_matches (const WgfIdentity *identity, const WgfSpec *spec);

/* Appends `text` as a JSON string, or null. */
void wgf_json_string (GString *json, const gchar *text);
/* Appends a comma and a member. */
void wgf_json_member (GString *json, const gchar *name, const gchar *text);

G_END_DECLS
