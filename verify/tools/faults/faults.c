/* SPDX-License-Identifier: MIT */
/*
 * faults.c: the table of armed faults and what happens to a thread that hits one.
 *
 * One mutex guards faults and hits. It is a leaf lock: identities are worked out before it is
 * taken, since that takes GStreamer's object locks.
 */
#define _GNU_SOURCE
#include "wgfaults.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
  gatomicrefcount refs;
  guint id;
  WgfSpec spec;
  gint passed; /* how many matching threads have been here */
  gboolean released;
} Fault;

typedef struct {
  guint fault;
  WgfWhere where;
  gchar *element, *factory, *pipeline, *pad, *type;
  gchar **siblings;
  GType gtype;
  gint tid;
  gchar thread[17];
  gint64 since;
  gboolean dead;
} Hit;

gint wgf_armed[WGF_N_WHERE];

static GMutex lock;
static GCond changed;
static GPtrArray *faults; /* of Fault */
static GPtrArray *hits;   /* of Hit */

static const gchar *const where_names[WGF_N_WHERE] = { "push", "create", "start", "stop", "parse",
  "state", "event", "query", "handle", "lock" };
static const gchar *const kind_names[] = { "stall", "die", "pthread-exit" };

const gchar *
wgf_where_name (WgfWhere where)
{
  return where_names[where];
}

gboolean
wgf_where_from_name (const gchar *name, WgfWhere *where)
{
  for (guint i = 0; i < WGF_N_WHERE; i++)
    if (g_strcmp0 (name, where_names[i]) == 0) {
      *where = i;
      return TRUE;
    }
  return FALSE;
}

void
wgf_spec_clear (WgfSpec *spec)
{
  g_free (spec->element);
  g_free (spec->factory);
  g_free (spec->pipeline);
  g_free (spec->with);
  g_free (spec->pad);
  g_free (spec->type);
  memset (spec, 0, sizeof *spec);
}

static Fault *
fault_ref (Fault *fault)
{
  g_atomic_ref_count_inc (&fault->refs);
  return fault;
}

static void
fault_unref (Fault *fault)
{
  if (!g_atomic_ref_count_dec (&fault->refs))
    return;
  wgf_spec_clear (&fault->spec);
  g_free (fault);
}

static void
hit_free (Hit *hit)
{
  g_free (hit->element);
  g_free (hit->factory);
  g_free (hit->pipeline);
  g_free (hit->pad);
  g_free (hit->type);
  g_strfreev (hit->siblings);
  g_free (hit);
}

/* Called with the lock held. */
static void
ensure_tables (void)
{
  if (faults != NULL)
    return;
  faults = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_unref);
  hits = g_ptr_array_new_with_free_func ((GDestroyNotify) hit_free);
}

static gboolean
name_matches (const gchar *pattern, const gchar *text)
{
  return pattern == NULL || (text != NULL && g_pattern_match_simple (pattern, text));
}

/* Whether a thread that matches is struck, by how many have come before it. */
static gboolean
strikes (Fault *fault)
{
  const gint before = g_atomic_int_add (&fault->passed, 1) - fault->spec.after;

  return before >= 0 && (fault->spec.times == 0 || before < fault->spec.times);
}

/* The first fault at this point that is meant for this element; a reference, or NULL. */
static Fault *
find_fault (WgfWhere where, GstElement *element, const WgfIdentity *identity, const gchar *pad,
    const gchar *type)
{
  g_autoptr (GPtrArray) candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_unref);

  g_mutex_lock (&lock);
  ensure_tables ();
  for (guint i = 0; i < faults->len; i++) {
    Fault *fault = faults->pdata[i];
    if (fault->spec.where == where && !fault->released)
      g_ptr_array_add (candidates, fault_ref (fault));
  }
  g_mutex_unlock (&lock);

  for (guint i = 0; i < candidates->len; i++) {
    Fault *fault = candidates->pdata[i];
    const WgfSpec *spec = &fault->spec;
    if (!wgf_identity_matches (identity, spec) || !name_matches (spec->pad, pad)
        || (spec->type != NULL && (type == NULL || g_ascii_strcasecmp (spec->type, type) != 0))
        || (spec->nth != 0 && wgf_element_rank (element, spec) != spec->nth) || !strikes (fault))
      continue;
    return fault_ref (fault);
  }
  return NULL;
}

static Hit *
hit_new (Fault *fault, const WgfIdentity *identity, const gchar *pad, const gchar *type)
{
  Hit *hit = g_new0 (Hit, 1);

  hit->fault = fault->id;
  hit->where = fault->spec.where;
  hit->element = g_strdup (identity->name);
  hit->factory = g_strdup (identity->factory);
  hit->gtype = identity->type;
  hit->pipeline = g_strdup (identity->pipeline);
  hit->siblings = g_strdupv (identity->siblings);
  hit->pad = g_strdup (pad);
  hit->type = g_strdup (type);
  hit->tid = (gint) syscall (SYS_gettid);
  if (pthread_getname_np (pthread_self (), hit->thread, sizeof hit->thread) != 0)
    hit->thread[0] = '\0';
  hit->since = g_get_monotonic_time ();
  return hit;
}

/* Called with the lock held. */
static void
disarm (Fault *fault)
{
  if (fault->released)
    return;
  fault->released = TRUE;
  __atomic_fetch_sub (&wgf_armed[fault->spec.where], 1, __ATOMIC_RELAXED);
  g_cond_broadcast (&changed);
}

/* The thread is in the fault now. Takes the caller's reference to the fault. */
static void
suffer (Fault *fault, Hit *hit)
{
  const WgfKind kind = fault->spec.kind;
  const gint64 until =
      fault->spec.for_ms > 0 ? hit->since + fault->spec.for_ms * G_TIME_SPAN_MILLISECOND : 0;

  g_mutex_lock (&lock);
  hit->dead = kind != WGF_STALL;
  g_ptr_array_add (hits, hit);
  g_cond_broadcast (&changed);
  while (kind == WGF_STALL && !fault->released) {
    if (until == 0)
      g_cond_wait (&changed, &lock);
    else if (!g_cond_wait_until (&changed, &lock, until))
      disarm (fault);
  }
  if (kind == WGF_STALL)
    g_ptr_array_remove (hits, hit);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  fault_unref (fault);

  if (kind == WGF_DIE)
    syscall (SYS_exit, 0);
  if (kind == WGF_PTHREAD_EXIT)
    pthread_exit (NULL);
}

void
wgf_point_armed (WgfWhere where, GstElement *element, GstPad *pad, const gchar *type)
{
  WgfIdentity identity;
  /* Without the pad's lock, as in owner_of(). */
  g_autofree gchar *pad_name = pad ? g_strdup (GST_OBJECT_NAME (pad)) : NULL;

  wgf_identify (element, &identity);
  Fault *fault = find_fault (where, element, &identity, pad_name, type);
  Hit *hit = fault ? hit_new (fault, &identity, pad_name, type) : NULL;
  wgf_identity_clear (&identity);
  g_clear_pointer (&pad_name, g_free); /* nothing is left to free when the thread ends in here */
  if (fault != NULL)
    suffer (fault, hit);
}

/* Takes the contents of `spec`; the result is the table's own. */
static Fault *
fault_new (WgfSpec *spec)
{
  static guint last_id;
  Fault *fault = g_new0 (Fault, 1);

  g_atomic_ref_count_init (&fault->refs);
  fault->spec = *spec;
  memset (spec, 0, sizeof *spec);
  g_mutex_lock (&lock);
  ensure_tables ();
  fault->id = ++last_id;
  g_ptr_array_add (faults, fault);
  __atomic_fetch_add (&wgf_armed[fault->spec.where], 1, __ATOMIC_RELAXED);
  g_mutex_unlock (&lock);
  return fault;
}

guint
wgf_arm (WgfSpec *spec)
{
  return fault_new (spec)->id;
}

typedef struct {
  Fault *fault;
  GstElement *element;
  GstPad *pad;
  gchar which;
} Holder;

static gpointer
holder_main (gpointer data)
{
  Holder *holder = data;
  WgfIdentity identity;
  const gboolean returns = holder->fault->spec.kind == WGF_STALL;

  wgf_identify (holder->element, &identity);
  if (holder->which == 's')
    GST_PAD_STREAM_LOCK (holder->pad);
  else if (holder->which == 't')
    GST_STATE_LOCK (holder->element);
  else
    GST_OBJECT_LOCK (holder->element);
  Hit *hit = hit_new (holder->fault, &identity, holder->pad ? GST_OBJECT_NAME (holder->pad) : NULL,
      holder->which == 's'       ? "stream"
          : holder->which == 't' ? "state"
                                 : "object");
  wgf_identity_clear (&identity);
  suffer (holder->fault, hit); /* does not return when the thread is to end holding the lock */
  if (!returns)
    return NULL;
  if (holder->which == 's')
    GST_PAD_STREAM_UNLOCK (holder->pad);
  else if (holder->which == 't')
    GST_STATE_UNLOCK (holder->element);
  else
    GST_OBJECT_UNLOCK (holder->element);
  gst_clear_object (&holder->pad);
  gst_object_unref (holder->element);
  g_free (holder);
  return NULL;
}

static GstPad *
pad_of (GstElement *element, const gchar *pattern)
{
  GstPad *found = NULL;

  GST_OBJECT_LOCK (element);
  for (GList *l = GST_ELEMENT_PADS (element); l != NULL && found == NULL; l = l->next)
    if (name_matches (pattern, GST_OBJECT_NAME (l->data)))
      found = gst_object_ref (l->data);
  GST_OBJECT_UNLOCK (element);
  return found;
}

guint
wgf_hold (WgfSpec *spec, const gchar *which, GError **error)
{
  g_autoptr (GPtrArray) alive = wgf_elements_alive ();
  GstElement *target = NULL;
  gint rank = 0;

  if (g_strcmp0 (which, "stream") != 0 && g_strcmp0 (which, "state") != 0
      && g_strcmp0 (which, "object") != 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "lock=%s: there are stream, state and object", which ? which : "");
    return 0;
  }
  for (guint i = 0; i < alive->len && target == NULL; i++) {
    WgfIdentity identity;
    wgf_identify (alive->pdata[i], &identity);
    if (wgf_identity_matches (&identity, spec) && ++rank == MAX (1, spec->nth))
      target = alive->pdata[i];
    wgf_identity_clear (&identity);
  }
  g_autoptr (GstPad) pad =
      target && g_str_equal (which, "stream") ? pad_of (target, spec->pad) : NULL;
  if (target == NULL || (g_str_equal (which, "stream") && pad == NULL)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "no %s matches",
        target == NULL ? "element alive" : "pad");
    return 0;
  }
  Holder *holder = g_new0 (Holder, 1);
  spec->where = WGF_LOCK;
  holder->fault = fault_ref (fault_new (spec));
  holder->element = gst_object_ref (target);
  holder->pad = g_steal_pointer (&pad);
  holder->which = g_str_equal (which, "stream") ? 's' : g_str_equal (which, "state") ? 't' : 'o';
  const guint id = holder->fault->id;
  g_thread_unref (g_thread_new ("wgfaults-hold", holder_main, holder));
  return id;
}

static gboolean
same_filter (const WgfSpec *a, const WgfSpec *b)
{
  return (b->element == NULL || g_strcmp0 (a->element, b->element) == 0)
      && (b->factory == NULL || g_strcmp0 (a->factory, b->factory) == 0)
      && (b->with == NULL || g_strcmp0 (a->with, b->with) == 0);
}

guint
wgf_release (guint id, const WgfSpec *like, gboolean all)
{
  guint released = 0;

  g_mutex_lock (&lock);
  ensure_tables ();
  for (guint i = faults->len; i-- > 0;) {
    Fault *fault = faults->pdata[i];
    if (!all && (id != 0 ? fault->id != id : !same_filter (&fault->spec, like)))
      continue;
    disarm (fault);
    g_ptr_array_remove_index (faults, i);
    released++;
  }
  g_mutex_unlock (&lock);
  return released;
}

static gboolean
hit_matches (const Hit *hit, guint id, const WgfSpec *like)
{
  const WgfIdentity identity = { hit->element, hit->factory, hit->gtype, hit->pipeline,
    hit->siblings };

  return (id == 0 || hit->fault == id) && wgf_identity_matches (&identity, like);
}

/* Called with the lock held; a factory that is not named by the hit costs a registry look-up. */
static guint
count_hits (gboolean dead, guint id, const WgfSpec *like)
{
  guint count = 0;

  for (guint i = 0; i < hits->len; i++) {
    const Hit *hit = hits->pdata[i];
    count += hit->dead == dead && hit_matches (hit, id, like);
  }
  return count;
}

/* An element is named and put into its bin after it was noted, which nothing announces: look again
 * at this interval while waiting for one. */
#define SEEN_INTERVAL (10 * G_TIME_SPAN_MILLISECOND)

gboolean
wgf_wait (WgfWait what, guint id, const WgfSpec *like, guint count, gint64 timeout_ms)
{
  const gint64 until = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  gboolean reached = FALSE;

  for (;;) {
    const guint seen = what == WGF_WAIT_SEEN ? wgf_elements_count (like) : 0;
    const gint64 next = what == WGF_WAIT_SEEN ? g_get_monotonic_time () + SEEN_INTERVAL : until;
    g_mutex_lock (&lock);
    ensure_tables ();
    switch (what) {
    case WGF_WAIT_STALLED:
    case WGF_WAIT_DEAD:
      reached = count_hits (what == WGF_WAIT_DEAD, id, like) >= count;
      break;
    case WGF_WAIT_CLEAR:
      reached = count_hits (FALSE, id, like) == 0;
      break;
    case WGF_WAIT_SEEN:
      reached = seen >= count;
      break;
    }
    const gboolean over =
        reached || (!g_cond_wait_until (&changed, &lock, MIN (next, until)) && next >= until);
    g_mutex_unlock (&lock);
    if (over)
      break;
  }
  if (reached)
    return TRUE;
  /* The last change may have come together with the timeout. */
  g_mutex_lock (&lock);
  if (what == WGF_WAIT_STALLED || what == WGF_WAIT_DEAD)
    reached = count_hits (what == WGF_WAIT_DEAD, id, like) >= count;
  else if (what == WGF_WAIT_CLEAR)
    reached = count_hits (FALSE, id, like) == 0;
  g_mutex_unlock (&lock);
  return reached;
}

static void
report_fault (GString *json, const Fault *fault)
{
  g_string_append_printf (json, "{\"id\":%u,\"kind\":\"%s\",\"where\":\"%s\"", fault->id,
      kind_names[fault->spec.kind], where_names[fault->spec.where]);
  wgf_json_member (json, "element", fault->spec.element);
  wgf_json_member (json, "factory", fault->spec.factory);
  wgf_json_member (json, "pipeline", fault->spec.pipeline);
  wgf_json_member (json, "with", fault->spec.with);
  g_string_append_printf (json, ",\"nth\":%d}", fault->spec.nth);
}

static void
report_hit (GString *json, const Hit *hit, gint64 now)
{
  g_string_append_printf (json, "{\"fault\":%u,\"where\":\"%s\",\"dead\":%s,\"tid\":%d", hit->fault,
      where_names[hit->where], hit->dead ? "true" : "false", hit->tid);
  wgf_json_member (json, "thread", hit->thread);
  wgf_json_member (json, "element", hit->element);
  wgf_json_member (json, "factory", hit->factory);
  wgf_json_member (json, "pipeline", hit->pipeline);
  wgf_json_member (json, "pad", hit->pad);
  wgf_json_member (json, "type", hit->type);
  g_string_append_printf (json, ",\"since_ms\":%" G_GINT64_FORMAT "}", (now - hit->since) / 1000);
}

void
wgf_report (GString *json)
{
  const gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&lock);
  ensure_tables ();
  g_string_append (json, "\"faults\":[");
  for (guint i = 0; i < faults->len; i++) {
    g_string_append (json, i > 0 ? "," : "");
    report_fault (json, faults->pdata[i]);
  }
  g_string_append (json, "],\"hits\":[");
  for (guint i = 0; i < hits->len; i++) {
    g_string_append (json, i > 0 ? "," : "");
    report_hit (json, hits->pdata[i], now);
  }
  g_mutex_unlock (&lock);

  g_string_append (json, "],\"elements\":[");
  wgf_elements_report (json);
  g_string_append_c (json, ']');
}
