/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#define STREAM_P "p's streaming thread keeps the STREAM_LOCK of p's pad: GStreamer's own"
#define STREAM_A "the streaming thread keeps the STREAM_LOCK of the consumer's pad: GStreamer's own"
#define OBJECT_A "a's object lock: GStreamer's own, taken for whatever is set"
#define CAPS_A "the new node negotiates, and asks a for its caps: a's object lock"
#define STATE_A "a's change of state keeps a's STATE_LOCK: GStreamer's own"

/* What is done to the one element itself. */
#define OF_A "eos-consumer|listen-affected|detach-affected|null-consumer|upstream-*"

/* After: calls that may wait for an operation, and why. Globs, with |. */
static const struct {
  const gchar *operations, *calls, *why;
} allowed[] = {
  { "push|caps|event|eos|in-block", "eos-producer|flow-producer|null-producer", STREAM_P },
  { "create|in-stream", "null-consumer", STREAM_A },
  { "stop", "eos-consumer|null-consumer", STATE_A },
  { "in-object-lock", OF_A, OBJECT_A },
  { "in-object-lock", "new-sink-same-name", CAPS_A },
};

/* By whom b no longer listens to p, or is at EOS. */
#define B_IS_GONE "sink-same|sink-rename|in-notify|eos"

/* Before: a holder of this lock keeps these calls for ever. */
static const struct {
  const gchar *holds, *calls;
} faults[] = {
  { "L1", "listen-other|listen-unrelated|detach-unrelated|null-unrelated|start-source" },
  { "L2", "new-sink|listen-unrelated|start-source" },
  { "L3 of p", "detach-other|num-listeners" },
  { "block=true", "detach-other|num-listeners" },
};

static gboolean
matches (const gchar *globs, const gchar *name)
{
  g_auto (GStrv) list = g_strsplit (globs, "|", -1);

  for (gchar **glob = list; *glob != NULL; glob++)
    if (g_pattern_match_simple (*glob, name))
      return TRUE;
  return FALSE;
}

const gchar *
judge_allowed (const Holder *holder, const Call *call)
{
  for (guint i = 0; i < G_N_ELEMENTS (allowed); i++)
    if (matches (allowed[i].operations, holder->operation->name)
        && matches (allowed[i].calls, call->name))
      return allowed[i].why;
  return NULL;
}

static gboolean
is_expected_fault (const gchar *holds, const Call *call)
{
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    if (strstr (holds, faults[i].holds) != NULL && matches (faults[i].calls, call->name))
      return TRUE;
  return FALSE;
}

/* Whether a buffer that p pushes need not arrive at b: while a thread keeps the lock of b's queue,
 * what comes meanwhile is dropped. */
static gboolean
may_be_lost (const Holder *holder, const Case *seen)
{
  return matches (B_IS_GONE, holder->operation->name) || strstr (seen->holds, "lock of b") != NULL;
}

static gboolean
is_slow (const Case *seen)
{
  return seen->ms < 0 || seen->ms - seen->busy > LIMIT_MS;
}

const gchar *
judge_case (const Options *options, const Holder *holder, const Call *call, const Case *seen)
{
  const gboolean shown = seen->crash[0] != '\0' || seen->ms < 0;

  if (seen->state < CASE_RUN && seen->crash[0] == '\0')
    return seen->state == CASE_NOT_HELD ? "not so: the thread gets there"
                                        : "not so: the case can be set up";
  if (g_str_equal (options->side, "before"))
    return is_expected_fault (seen->holds, call) && !shown ? "fault not shown: it never returns"
                                                           : NULL;
  if (seen->crash[0] != '\0')
    return "not held: the process lives";
  if (is_slow (seen) && judge_allowed (holder, call) == NULL)
    return "not held: it returns within the limit";
  if (seen->lost && !may_be_lost (holder, seen))
    return "not held: the buffer arrives";
  if (seen->late)
    return "not held: it returns once the holder has gone on";
  if (seen->stuck)
    return "not held: the holder goes on";
  if (!seen->pair)
    return "not held: a new pair delivers afterwards";
  /* What is at EOS stays there. */
  if (!seen->other && !matches ("eos", holder->operation->name))
    return "not held: the other listener changes over afterwards";
  if (seen->criticals > 0)
    return "not held: GLib has no complaint";
  return NULL;
}

/* ---- a line ---- */

typedef struct {
  JsonObject *ms, *allowed, *crashed, *first;
  JsonArray *lost, *late, *failed;
  guint cases, pair, other, again, criticals;
  gdouble busy; /* the most of a case */
  const gchar *holds, *message;
  gboolean of_a, of_b; /* whose lock it was, in one case or another */
} Row;

static void
add_case (
    Row *row, const Options *options, const Holder *holder, const Call *call, const Case *seen)
{
  const gchar *fault = judge_case (options, holder, call, seen);
  const gchar *why = judge_allowed (holder, call);

  row->cases++;
  row->pair += seen->pair;
  row->other += seen->other;
  row->again += seen->again - 1;
  row->criticals += (guint) seen->criticals;
  row->busy = MAX (row->busy, seen->busy);
  if (row->holds == NULL && seen->holds[0] != '\0')
    row->holds = seen->holds;
  row->of_a = row->of_a || !seen->turned;
  row->of_b = row->of_b || seen->turned;
  if (row->message == NULL && seen->message[0] != '\0')
    row->message = seen->message;
  if (seen->ms < 0 || seen->state != CASE_RUN || seen->crash[0] != '\0')
    json_object_set_null_member (row->ms, call->name);
  else
    json_object_set_double_member (row->ms, call->name, (gdouble) (gint64) (seen->ms * 8) / 8);
  if (seen->crash[0] != '\0')
    json_object_set_string_member (row->crashed, call->name, seen->crash);
  if (is_slow (seen) && why != NULL)
    json_object_set_string_member (row->allowed, call->name, why);
  if (seen->lost)
    json_array_add_string_element (row->lost, call->name);
  if (seen->late)
    json_array_add_string_element (row->late, call->name);
  if (seen->first[0] != '\0')
    json_object_set_string_member (row->first, call->name, seen->first);
  if (fault != NULL) {
    g_autofree gchar *text = g_strdup_printf ("%s: %s", call->name, fault);
    json_array_add_string_element (row->failed, text);
  }
}

static JsonObject *
describe (const Options *options, const Holder *holder, const Row *row)
{
  static const gchar *const hows[] = { "stalls", "pthread_exit", "bare exit" };
  JsonObject *object = json_object_new ();
  g_autofree gchar *name = holder_name (holder);

  json_object_set_string_member (object, "scenario", "locks");
  json_object_set_string_member (object, "label", options->side);
  json_object_set_string_member (object, "target", "interpipe");
  json_object_set_string_member (object, "holder", name);
  json_object_set_string_member (object, "operation", holder->operation->about);
  if (holder->k > 0)
    json_object_set_int_member (object, "lock", holder->k);
  json_object_set_string_member (object, "how", hows[holder->how]);
  json_object_set_string_member (object, "holds", row->holds ? row->holds : "");
  if (row->of_b)
    json_object_set_string_member (object, "affected", row->of_a ? "a or b" : "b");
  json_object_set_int_member (object, "lock_ms", LOCK_MS);
  json_object_set_int_member (object, "limit_ms", LIMIT_MS);
  json_object_set_int_member (object, "never_ms", NEVER_MS);
  json_object_set_double_member (object, "busy_ms", (gdouble) (gint64) (row->busy * 8) / 8);
  return object;
}

gchar *
judge_row (const Options *options, const Holder *holder, const Case *cases)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree gchar *gstreamer = gst_version_string ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  Row row = { .ms = json_object_new (),
    .allowed = json_object_new (),
    .crashed = json_object_new (),
    .first = json_object_new (),
    .lost = json_array_new (),
    .late = json_array_new (),
    .failed = json_array_new () };

  for (guint i = 0; wl_calls[i].name != NULL; i++)
    if (cases[i].again > 0)
      add_case (&row, options, holder, &wl_calls[i], &cases[i]);
  JsonObject *object = describe (options, holder, &row);
  json_object_set_object_member (object, "ms", row.ms);
  json_object_set_object_member (object, "allowed", row.allowed);
  json_object_set_object_member (object, "crashed", row.crashed);
  json_object_set_array_member (object, "lost", row.lost);
  json_object_set_array_member (object, "late", row.late);
  json_object_set_int_member (object, "cases", row.cases);
  json_object_set_int_member (object, "run_again", row.again);
  json_object_set_object_member (object, "first_failed", row.first);
  json_object_set_int_member (object, "pair_works", row.pair);
  json_object_set_int_member (object, "other_works", row.other);
  json_object_set_int_member (object, "criticals", row.criticals);
  if (row.message != NULL)
    json_object_set_string_member (object, "message", row.message);
  json_object_set_string_member (object, "gstreamer", gstreamer);
  json_object_set_string_member (object, "date", date);
  const gboolean pass = json_array_get_length (row.failed) == 0;
  json_object_set_array_member (object, "failed", row.failed);
  json_object_set_boolean_member (object, "pass", pass);
  json_node_take_object (node, object);
  return json_to_string (node, FALSE);
}

/* ---- the table ---- */

/* A call that waited for no lock, on a busy machine. */
#define FINE_MS 150

static void
print_cell (const Case *seen)
{
  if (seen->again == 0)
    fputs ("      ", stderr);
  else if (seen->crash[0] != '\0')
    fputs ("     x", stderr);
  else if (seen->state != CASE_RUN)
    fputs ("     ?", stderr);
  else if (seen->ms < 0)
    fputs ("     -", stderr);
  else if (seen->ms < FINE_MS)
    fputs (seen->lost ? "     o" : "     .", stderr);
  else
    fprintf (stderr, "%6.0f", seen->ms);
}

void
judge_table (const Holder *holders, Case *const *rows, guint n)
{
  fprintf (stderr, "\n%-22s", "");
  for (guint i = 0; wl_calls[i].name != NULL; i++)
    fprintf (stderr, " %5s", wl_calls[i].brief);
  fputs ("  holds\n", stderr);
  for (guint row = 0; row < n; row++) {
    g_autofree gchar *name = holder_name (&holders[row]);
    const gchar *holds = "";
    fprintf (stderr, "%-22s", name);
    for (guint i = 0; wl_calls[i].name != NULL; i++) {
      print_cell (&rows[row][i]);
      if (*holds == '\0')
        holds = rows[row][i].holds;
    }
    fprintf (stderr, "  %s\n", holds);
  }
  fprintf (stderr,
      ". fine; a number: ms; - not within %d ms; x crashed; o not delivered; ? no holder\n",
      NEVER_MS);
}
