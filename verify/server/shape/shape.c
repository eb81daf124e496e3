/* SPDX-License-Identifier: MIT */
/*
 * shape.c: wolf-shape, which compares the lab before with what was recorded of a real Wolf before.
 *
 * Figures differ, the shape must not: what is blocked, for how long, what of it is seen in the
 * kernel's sockets. Each fact below is read from both lines of a scenario and must be the same in
 * both. A scenario whose fault did not show by chance (verdict "inconclusive") is left out, and
 * told.
 */
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <stdlib.h>

/* After a release a server answers within a second, as recorded; where the machine is busy, the
 * clients that queued up meanwhile are served first, which takes some. Blocked for ever is what has
 * no answer at all. */
#define RELEASED_MS 5000

typedef enum {
  NEVER,   /* the time is null: it never came */
  NONE,    /* the number is 0 */
  CUT_OFF, /* the number is less than that of `other`, or exit_ms is null: it hangs */
  ALL,     /* the number is that of `other` */
  SHORTLY, /* the time is there, and short */
} Test;

typedef struct {
  const gchar *scenario, *what;
  const gchar *member;
  Test test;
  const gchar *other;
} Fact;

#define MEANWHILE "HTTPS answers every request meanwhile"
/* A table, one fact a line or two. */
/* clang-format off */
static const Fact facts[] = {
  { "cancel-*", "/cancel gets no answer while it is stuck", "cancel_ms", NEVER, NULL },
  { "cancel-*", MEANWHILE, "meanwhile_failures", NONE, NULL },
  { "cancel-*", "clients are in CLOSE_WAIT, none accepted", "meanwhile_unaccepted", ALL,
      "meanwhile_close_wait" },
  { "cancel-*", "no client is in CLOSE_WAIT", "meanwhile_close_wait", NONE, NULL },
  { "cancel-*", "another client has no video", "other_video", NONE, NULL },
  { "cancel-*", "the same client has no video again", "relaunch_video", NONE, NULL },
  { "cancel-*", "an answer soon after the release", "released_serverinfo_ms", SHORTLY, NULL },
  { "api-stop-stuck", "sessions/stop gets no answer", "stop_ms", NEVER, NULL },
  { "pause-stuck-*", "sessions/pause gets no answer", "pause_ms", NEVER, NULL },
  { "api-stop-stuck", MEANWHILE, "meanwhile_failures", NONE, NULL },
  { "pause-stuck-*", MEANWHILE, "meanwhile_failures", NONE, NULL },
  { "input-state-lock", "no input call gets an answer", "slowest_ms", NEVER, NULL },
  { "stop-at-each-moment", "no stop is lost", "lost", NONE, NULL },
  { "stop-at-each-moment", "all stops are answered", "unanswered", NONE, NULL },
  { "cancel-before-ping", "a cancelled session has no audio", "audio", NONE, NULL },
  { "sigterm-streaming", "pipelines are cut off, or it hangs", "pipelines_eos", CUT_OFF,
      "pipelines" },
  { "sigterm-quarantine", "SIGTERM does not end it", "exit_ms", NEVER, NULL },
  { "inherited", "programs have none of its sockets", "child_sockets", NONE, NULL },
  { "inherited", "no client stays in CLOSE_WAIT", "close_wait", NONE, NULL },
  { "malformed", "no message ends it", "ended", NONE, NULL },
  { "abuse", "abusive clients leave nothing in CLOSE_WAIT", "close_wait", NONE, NULL },
};
/* clang-format on */

/* json-glib's own readers complain of a value of another type, or give NULL. */
static const gchar *
text_of (JsonObject *line, const gchar *member)
{
  JsonNode *node = json_object_get_member (line, member);
  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
      ? json_node_get_string (node)
      : "";
}

static gdouble
number_of (JsonObject *line, const gchar *member)
{
  JsonNode *node = json_object_get_member (line, member);
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
          && json_node_get_value_type (node) != G_TYPE_STRING
      ? json_node_get_double (node)
      : -1;
}

/* The last line of each scenario, by name. NULL with `error` set. */
static GHashTable *
read_lines (const gchar *path, GError **error)
{
  g_autoptr (GHashTable) lines =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_object_unref);
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  g_auto (GStrv) split = g_strsplit (text, "\n", -1);
  for (gchar **line = split; *line != NULL; line++) {
    g_autoptr (JsonNode) node = json_from_string (*line, NULL);
    if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
      continue;
    JsonObject *object = json_node_get_object (node);
    const gchar *name = text_of (object, "scenario");
    if (g_str_equal (text_of (object, "verdict"), "inconclusive"))
      g_print ("%-9s %s\n", "left out", name);
    else
      g_hash_table_insert (lines, g_strdup (name), json_object_ref (object));
  }
  return g_steal_pointer (&lines);
}

static gboolean
is_null_of (JsonObject *line, const gchar *member)
{
  JsonNode *node = json_object_get_member (line, member);
  return node != NULL && JSON_NODE_HOLDS_NULL (node);
}

/* FALSE when the line does not tell. */
static gboolean
read_fact (JsonObject *line, const Fact *fact, gboolean *so)
{
  if (!json_object_has_member (line, fact->member)
      || (fact->other != NULL && !json_object_has_member (line, fact->other)))
    return FALSE;
  const gboolean is_null = is_null_of (line, fact->member);
  const gdouble value = number_of (line, fact->member);
  switch (fact->test) {
  case NEVER:
    *so = is_null;
    break;
  case NONE:
    *so = value == 0;
    break;
  case CUT_OFF:
    *so = value < number_of (line, fact->other) || is_null_of (line, "exit_ms");
    break;
  case ALL:
    *so = value == number_of (line, fact->other);
    break;
  case SHORTLY:
    *so = !is_null && value <= RELEASED_MS;
    break;
  }
  return TRUE;
}

/* Returns how many facts were compared; `different` counts those that are not the same. */
static guint
compare (GHashTable *real, GHashTable *lab, const Fact *fact, guint *different)
{
  GHashTableIter iter;
  gpointer name, line;
  guint compared = 0;

  g_hash_table_iter_init (&iter, real);
  while (g_hash_table_iter_next (&iter, &name, &line)) {
    JsonObject *of_lab = g_hash_table_lookup (lab, name);
    gboolean theirs, ours;
    if (!g_pattern_match_simple (fact->scenario, name) || of_lab == NULL
        || !read_fact (line, fact, &theirs) || !read_fact (of_lab, fact, &ours))
      continue;
    g_print ("%-9s %-20s %-43s real Wolf: %-3s  lab: %s\n", theirs == ours ? "same" : "DIFFERENT",
        (const gchar *) name, fact->what, theirs ? "yes" : "no", ours ? "yes" : "no");
    *different += theirs != ours;
    compared++;
  }
  return compared;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) real = argc == 3 ? read_lines (argv[1], &error) : NULL;
  g_autoptr (GHashTable) lab = real ? read_lines (argv[2], &error) : NULL;
  guint compared = 0, different = 0;

  if (argc != 3) {
    g_printerr (
        "Usage: wolf-shape RECORDED LAB\n\nCompares lines of the lab before with those "
        "recorded of a real Wolf before.\nExit status: 0 the same shape; 1 not; 2 wrong usage.\n");
    return 2;
  }
  if (lab == NULL) {
    g_printerr ("wolf-shape: %s\n", error->message);
    return 2;
  }
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    compared += compare (real, lab, &facts[i], &different);
  g_print ("%u facts compared, %u different\n", compared, different);
  return compared > 0 && different == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
