/* SPDX-License-Identifier: MIT
 *
 * figures.c: what a scenario is called, and its key figure.
 *
 * A scenario that is not in the table still has a row: its key figure is then the first member that
 * the second table knows, or that differs between before and after.
 */
#include "report.h"

#include <math.h>
#include <string.h>

/* How a figure is said, and how bad it is. Bigger is worse; 0 is no fault. */
typedef struct {
  gchar *text;
  double badness;
} Said;

typedef struct Known Known;
struct Known {
  const char *scenario, *title;
  gboolean (*say) (const Known *known, JsonObject *object, Said *said);
  const char *what;    /* "/cancel" */
  const char *member;  /* the figure */
  const char *of;      /* a second one: of how many, or the slowest */
  gboolean not_always; /* upstream passes without the fault: never, or not every time, there */
};

/* ---- ways to say a figure ---- */

/* A time, or null: not answered within the scenario's patience. */
static gboolean
say_answer (const Known *known, JsonObject *object, Said *said)
{
  const double ms = object_number (object, known->member);
  const double patience = object_number (object, "patience_ms");
  g_autofree gchar *time = NULL;

  if (isnan (ms) && !object_null (object, known->member))
    return FALSE;
  said->badness = isnan (ms) ? G_MAXDOUBLE : 0;
  if (!isnan (ms)) {
    time = time_text (ms);
    said->text = g_strdup_printf ("%s: %s", known->what, time);
    said->badness = ms * 1e-9; /* the slowest is the worst of those answered */
  } else if (!isnan (patience)) {
    time = time_text (patience);
    said->text = g_strdup_printf ("%s: no answer in %s", known->what, time);
  } else {
    said->text = g_strdup_printf ("%s: no answer", known->what);
  }
  return TRUE;
}

/* How long a process took to end, or null: it did not. */
static gboolean
say_exit (const Known *known, JsonObject *object, Said *said)
{
  const double ms = object_number (object, known->member);
  g_autofree gchar *time = isnan (ms) ? NULL : time_text (ms);

  if (time == NULL && !object_null (object, known->member))
    return FALSE;
  said->badness = time ? ms * 1e-9 : G_MAXDOUBLE;
  said->text =
      time ? g_strdup_printf ("%s after %s", known->what, time) : g_strdup ("does not end");
  return TRUE;
}

/* So many of many unanswered, or the slowest. */
static gboolean
say_unanswered (const Known *known, JsonObject *object, Said *said)
{
  g_autofree gchar *member = g_strconcat (known->member, "unanswered", NULL);
  g_autofree gchar *slowest = g_strconcat (known->member, "slowest_ms", NULL);
  const double unanswered = object_number (object, member);
  const double all = known->of ? object_number (object, known->of) : NAN;
  const double ms = object_number (object, slowest);
  g_autofree gchar *time = isnan (ms) ? NULL : time_text (ms);

  if (isnan (unanswered))
    return FALSE;
  said->badness = unanswered > 0 ? unanswered : isnan (ms) ? 0 : ms * 1e-9;
  if (unanswered > 0 && all >= unanswered)
    said->text = g_strdup_printf ("%s: no answer to %.0f of %.0f", known->what, unanswered, all);
  else if (unanswered > 0)
    said->text = g_strdup_printf ("%s: no answer to %.0f", known->what, unanswered);
  else if (!isnan (all))
    said->text = g_strdup_printf (
        "%s: all %.0f answered%s%s", known->what, all, time ? ", slowest " : "", time ? time : "");
  else
    said->text = g_strdup_printf (
        "%s: all answered%s%s", known->what, time ? ", slowest " : "", time ? time : "");
  return TRUE;
}

/* How many of what should be none. */
static gboolean
say_count (const Known *known, JsonObject *object, Said *said)
{
  const double count = object_number (object, known->member);
  const double all = known->of ? object_number (object, known->of) : NAN;
  g_autofree gchar *figure = isnan (count) ? NULL : count_text ((gint64) count);
  g_autofree gchar *figure_all = isnan (all) ? NULL : count_text ((gint64) all);

  if (isnan (count))
    return FALSE;
  said->badness = count;
  if (figure_all)
    said->text = g_strdup_printf ("%s of %s %s", figure, figure_all, known->what);
  else
    said->text = g_strdup_printf ("%s %s", figure, known->what);
  return TRUE;
}

/* How many of what should be all. */
static gboolean
say_all (const Known *known, JsonObject *object, Said *said)
{
  const double count = object_number (object, known->member);
  const double all = object_number (object, known->of);

  if (isnan (count) || isnan (all))
    return FALSE;
  said->badness = all - count;
  said->text = g_strdup_printf ("%.0f of %.0f %s", count, all, known->what);
  return TRUE;
}

static gboolean
say_moments (const Known *known, JsonObject *object, Said *said)
{
  const double lost = object_number (object, "lost");
  const double unanswered = object_number (object, "unanswered");
  const double moments = object_number (object, "moments");

  (void) known;
  if (isnan (lost) || isnan (unanswered) || isnan (moments))
    return FALSE;
  said->badness = lost + unanswered;
  said->text = said->badness > 0
      ? g_strdup_printf ("of %.0f stops %.0f lost, %.0f unanswered", moments, lost, unanswered)
      : g_strdup_printf ("all %.0f stops kept and answered", moments);
  return TRUE;
}

static gboolean
say_storm (const Known *known, JsonObject *object, Said *said)
{
  const double switches = object_number (object, "switches");
  JsonNode *alive = object_node (object, "alive");
  g_autofree gchar *figure = isnan (switches) ? NULL : count_text ((gint64) switches);

  (void) known;
  if (figure == NULL || alive == NULL)
    return FALSE;
  said->badness = !object_flag (object, "alive");
  said->text = said->badness > 0 ? g_strdup_printf ("crashed after %s switches", figure)
                                 : g_strdup_printf ("%s switches answered", figure);
  return TRUE;
}

static gboolean
say_growth (const Known *known, JsonObject *object, Said *said)
{
  const double cycles = object_number (object, "cycles");
  const double before = object_number (object, "before.threads");
  const double after = object_number (object, "after.threads");

  (void) known;
  if (isnan (cycles) || isnan (before) || isnan (after))
    return FALSE;
  said->badness = MAX (after - before, 0);
  said->text = g_strdup_printf ("%.0f cycles: %.0f → %.0f threads", cycles, before, after);
  return TRUE;
}

static gboolean
say_timeline (const Known *known, JsonObject *object, Said *said)
{
  JsonNode *node = object_node (object, "latency.samples");
  guint lost = 0, all = 0;

  (void) known;
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  all = json_array_get_length (json_node_get_array (node));
  for (guint i = 0; i < all; i++) {
    JsonArray *sample = json_array_get_array_element (json_node_get_array (node), i);

    lost += json_array_get_null_element (sample, 1);
  }
  said->badness = lost;
  said->text = lost > 0 ? g_strdup_printf ("HTTPS: no answer to %u of %u requests", lost, all)
                        : g_strdup_printf ("HTTPS: all %u requests answered", all);
  return TRUE;
}

/* What the log says; null: nothing. */
static gboolean
say_log (const Known *known, JsonObject *object, Said *said)
{
  const gboolean nothing = object_null (object, known->member);

  if (!nothing && object_text (object, known->member) == NULL)
    return FALSE;
  said->badness = nothing;
  said->text = g_strdup (nothing ? "the log says nothing" : "the log names it");
  return TRUE;
}

/* wolf-locks: which calls never return. */
static gboolean
say_locks (const Known *known, JsonObject *object, Said *said)
{
  JsonNode *node = object_node (object, "ms");
  g_autoptr (GList) values = NULL;
  guint never = 0, all = 0;

  (void) known;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  values = json_object_get_values (json_node_get_object (node));
  for (GList *value = values; value != NULL; value = value->next, all++)
    never += JSON_NODE_HOLDS_NULL ((JsonNode *) value->data);
  said->badness = never;
  said->text = g_strdup_printf ("%u of %u calls never return", never, all);
  return TRUE;
}

/* wolf-interpipe: how the process ended, if it did not end well. */
static gboolean
say_end (const Known *known, JsonObject *object, Said *said)
{
  const char *ended = object_text (object, "ended");

  (void) known;
  if (ended == NULL)
    return FALSE;
  said->badness = 1;
  said->text = g_strdup (ended);
  return TRUE;
}

/* ---- the tables ---- */

static const Known scenarios[] = {
  { "timeline", "HTTPS port through the fault", say_timeline, NULL, NULL, NULL, FALSE },
  { "cancel-stuck-create", "/cancel, source stuck in create()", say_answer, "/cancel", "cancel_ms",
      NULL, FALSE },
  { "cancel-stuck-push", "/cancel, source stuck in a push", say_answer, "/cancel", "cancel_ms",
      NULL, FALSE },
  { "cancel-stuck-start", "/cancel, source stuck in start()", say_answer, "/cancel", "cancel_ms",
      NULL, FALSE },
  { "cancel-dead", "/cancel, source’s thread dead", say_answer, "/cancel", "cancel_ms", NULL,
      FALSE },
  { "cancel-many", "/cancel of many stuck sessions", say_unanswered, "/cancel", "cancel_",
      "sessions", FALSE },
  { "api-stop-stuck", "API stop of a stuck session", say_answer, "sessions/stop", "stop_ms", NULL,
      FALSE },
  { "pause-stuck-source", "API pause, source stuck", say_answer, "sessions/pause", "pause_ms", NULL,
      FALSE },
  { "pause-stuck-encoder", "API pause, encoder stuck", say_answer, "sessions/pause", "pause_ms",
      NULL, FALSE },
  { "input-while-ending", "Input after /cancel", say_unanswered, "input", "cancelled_", NULL,
      FALSE },
  { "input-state-lock", "Input while a state lock is held", say_unanswered, "input", "", NULL,
      FALSE },
  { "stop-at-each-moment", "Stop at each moment of a start", say_moments, NULL, NULL, NULL, FALSE },
  { "race-api", "API: stop races with start", say_count, "pipelines left running",
      "after.pipelines", "tries", TRUE },
  { "race-launch", "/cancel races with /launch", say_count, "pipelines left running",
      "after.pipelines", "tries", TRUE },
  { "return-at-once", "A client returns at once", say_count, "second sessions ended by the first",
      "second_session_ended", "tries", TRUE },
  { "cancel-before-ping", "Cancelled, then pings", say_count, "audio packets after the cancel",
      "audio", NULL, FALSE },
  { "cycles", "Sessions made and ended in turn", say_growth, NULL, NULL, NULL, TRUE },
  { "sigterm-streaming", "SIGTERM while streaming", say_all, "pipelines see EOS", "pipelines_eos",
      "pipelines", FALSE },
  { "sigterm-ward", "SIGTERM with stuck sessions", say_exit, "ends", "exit_ms", NULL, FALSE },
  { "inherited", "A program started meanwhile", say_count, "sockets inherited", "child_sockets",
      NULL, FALSE },
  { "abuse", "Abusive clients", say_count, "sockets left in CLOSE_WAIT", "close_wait", NULL, TRUE },
  { "lobby-switch", "Lobby: join and leave", say_count, "frames from the stuck lobby",
      "lobby_stuck_video", NULL, TRUE },
  { "lobby-cancel-stuck-create", "Lobby: /cancel, source stuck in create()", say_answer, "/cancel",
      "cancel_ms", NULL, FALSE },
  { "lobby-cancel-stuck-push", "Lobby: /cancel, source stuck in a push", say_answer, "/cancel",
      "cancel_ms", NULL, FALSE },
  { "lobby-leave-stuck", "Lobby: the last one leaves, source stuck", say_answer, "lobbies/leave",
      "leave_last_ms", NULL, FALSE },
  { "lobby-stop-stuck", "Lobby: stop, source stuck", say_answer, "lobbies/stop", "stop_ms", NULL,
      FALSE },
  { "lobby-start-stuck", "Lobby: stop, source stuck in start()", say_answer, "lobbies/stop",
      "stop_ms", NULL, FALSE },
  { "lobby-switch-stuck", "Lobby: leave, while a switch is stuck", say_answer, "lobbies/leave",
      "leave_ms", NULL, FALSE },
  { "lobby-stop-at-each-moment", "Lobby: stop at each moment of a start", say_moments, NULL, NULL,
      NULL, FALSE },
  { "race-lobby", "Lobby: stop races with start", say_count, "programs left running",
      "programs_left", "tries", TRUE },
  { "switch-storm", "Lobbies: a storm of switches", say_storm, NULL, NULL, NULL, TRUE },
  { "stop-storm", "A storm of starts and stops, one of them stuck", say_unanswered, "stops",
      "meanwhile_", "meanwhile_stops", FALSE },
  { "relaunch", "A stuck client comes back, and again", say_answer, "first /cancel", "cancel_0_ms",
      NULL, FALSE },
  { "thread-ends", "A streaming thread ends", say_log, NULL, "unexpected_line", NULL, FALSE },
  { "malformed", "Messages that cannot be read", say_count, "messages ended it", "ended",
      "messages", FALSE },
  { "idle", "Idle connections", say_count, "sockets left in CLOSE_WAIT", "close_wait", NULL, TRUE },
  { "stress", "Everything at once", say_count, "rounds crashed", "crashed", "rounds", TRUE },
  { "locks", "A thread keeps a lock", say_locks, NULL, NULL, NULL, TRUE },
};

/* For a scenario that is not in the table above. */
static const Known by_member[] = {
  { NULL, NULL, say_end, NULL, NULL, NULL, FALSE },
  { NULL, NULL, say_unanswered, "/cancel", "cancel_", "sessions", FALSE },
  { NULL, NULL, say_answer, "/cancel", "cancel_ms", NULL, FALSE },
  { NULL, NULL, say_answer, "stop", "stop_ms", NULL, FALSE },
  { NULL, NULL, say_exit, "ends", "exit_ms", NULL, FALSE },
  { NULL, NULL, say_unanswered, "calls", "", NULL, FALSE },
};

static const Known *
find_known (const char *scenario)
{
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    if (g_str_equal (scenario, scenarios[i].scenario))
      return &scenarios[i];
  return NULL;
}

guint
scenario_order (const char *scenario)
{
  const Known *known = find_known (scenario);

  return known != NULL ? (guint) (known - scenarios) : G_N_ELEMENTS (scenarios);
}

const char *
scenario_title (const char *scenario)
{
  const Known *known = find_known (scenario);

  return known != NULL ? known->title : scenario;
}

static gboolean
say_by_member (JsonObject *object, Said *said, double worse_than)
{
  for (guint i = 0; i < G_N_ELEMENTS (by_member); i++) {
    Said other = { NULL, 0 };

    if (!by_member[i].say (&by_member[i], object, &other))
      continue;
    if (other.badness > worse_than) {
      *said = other;
      return TRUE;
    }
    g_free (other.text);
  }
  return FALSE;
}

/* @fault: the line shows a fault; if that is not in its usual figure, it is in another one. */
static gboolean
say (const Row *row, JsonObject *object, gboolean fault, Said *said)
{
  const Known *known = find_known (row->scenario);
  Said other = { NULL, 0 };

  said->text = NULL;
  said->badness = 0;
  if (known == NULL || !known->say (known, object, said))
    return say_by_member (object, said, -1);
  if (fault && said->badness < 1 && !known->not_always && say_by_member (object, &other, 1)) {
    g_free (said->text);
    *said = other;
  }
  return TRUE;
}

/* ---- what differs ---- */

/* How much a member says by its difference; 0: nothing. @good is from after. */
static int
weight (const char *name, JsonNode *bad, JsonNode *good)
{
  /* How long and how often it was tried, and what is no figure at all. */
  static const char *const others[] = { "took_ms", "rounds", "moments", "reads", "sent", "tries",
    "warnings", "criticals", NULL };
  GType type;

  if (g_strv_contains (others, name) || g_str_has_prefix (name, "healthy_")
      || g_str_has_prefix (name, "released_") || !JSON_NODE_HOLDS_VALUE (good))
    return 0;
  type = json_node_get_value_type (good);
  if (JSON_NODE_HOLDS_NULL (bad))
    return type == G_TYPE_STRING ? 0 : 4;
  if (!JSON_NODE_HOLDS_VALUE (bad) || json_node_equal (bad, good))
    return 0;
  if (type == G_TYPE_BOOLEAN)
    return strcmp (name, "long") == 0 || strcmp (name, "pass") == 0 ? 0 : 3;
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return 0;
  return json_node_get_double (good) == 0 ? 2 : 1;
}

/* The member that says most; NULL: none does. */
static const char *
find_difference (JsonObject *bad, JsonObject *good)
{
  g_autoptr (GList) names = json_object_get_members (bad);
  const char *found = NULL;
  int most = 0;

  for (GList *name = names; name != NULL; name = name->next) {
    JsonNode *other = json_object_get_member (good, name->data);
    const int says =
        other ? weight (name->data, json_object_get_member (bad, name->data), other) : 0;

    if (says > most) {
      most = says;
      found = name->data;
    }
  }
  return found;
}

static gchar *
difference (const Row *row, const Cell *cell)
{
  const Cell *before = row_cell (row, SIDE_BEFORE), *after = row_cell (row, SIDE_AFTER);
  JsonObject *own = ((const Line *) g_ptr_array_index (cell->lines, 0))->object;
  const double criticals = object_number (own, "criticals");
  const char *name = NULL;

  if (before != NULL && after != NULL)
    name = find_difference (((const Line *) g_ptr_array_index (before->lines, 0))->object,
        ((const Line *) g_ptr_array_index (after->lines, 0))->object);
  if (name != NULL && json_object_has_member (own, name)) {
    JsonNode *node = json_object_get_member (own, name);
    g_autofree gchar *words = g_strdelimit (g_strdup (name), "_", ' ');
    const double number = object_number (own, name);
    g_autofree gchar *figure = isnan (number) ? NULL : number_text (number);

    if (JSON_NODE_HOLDS_NULL (node))
      return g_strdup_printf ("%s: none", words);
    if (figure != NULL)
      return g_strdup_printf ("%s: %s", words, figure);
    return g_strdup_printf ("%s: %s", words, object_flag (own, name) ? "yes" : "no");
  }
  if (criticals > 0)
    return g_strdup_printf ("%.0f GLib critical%s", criticals, criticals == 1 ? "" : "s");
  return NULL;
}

gchar *
cell_figure (const Row *row, const Cell *cell, const Line **worst)
{
  gchar *text = NULL;
  double badness = -1;

  *worst = g_ptr_array_index (cell->lines, cell->lines->len - 1);
  for (guint i = 0; i < cell->lines->len; i++) {
    const Line *line = g_ptr_array_index (cell->lines, i);
    Said said;

    if (!say (row, line->object, cell->side == SIDE_BEFORE, &said) || said.badness <= badness) {
      g_clear_pointer (&said.text, g_free);
      continue;
    }
    g_free (text);
    text = said.text;
    badness = said.badness;
    *worst = line;
  }
  return text != NULL ? text : difference (row, cell);
}

gboolean
figure_shows_fault (const Row *row, const Line *line)
{
  const Known *known = find_known (row->scenario);
  Said said = { NULL, 0 };
  gboolean has_figure;

  if (known == NULL || !known->not_always)
    return TRUE;
  has_figure = say (row, line->object, FALSE, &said);
  g_free (said.text);
  return !has_figure || said.badness >= 1;
}
