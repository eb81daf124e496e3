/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One part in so many of the scenarios that expect a fault may be inconclusive. */
#define INCONCLUSIVE_PART 3
/* Takes away what tally_running() has written. */
#define ERASE "\r\033[K"

static guint
seconds_since (gint64 begun)
{
  return (guint) ((g_get_monotonic_time () - begun) / G_TIME_SPAN_SECOND);
}

gboolean
tally_open (Tally *tally, const TallyOptions *options)
{
  *tally = (Tally){ .options = *options, .fd = -1, .begun = g_get_monotonic_time () };
  tally->options.json &= !isatty (STDOUT_FILENO);
  tally->live = isatty (STDERR_FILENO);
  tally->summary = g_string_new (NULL);
  if (options->path == NULL)
    return TRUE;
  tally->fd = open (options->path,
      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (options->append ? 0 : O_TRUNC), 0644);
  if (tally->fd < 0)
    g_printerr ("%s: cannot write --out %s: %s; name a file in a folder that is there\n",
        options->program, options->path, g_strerror (errno));
  return tally->fd >= 0;
}

static gchar *
count_text (const Tally *tally)
{
  return tally->options.total > 0 ? g_strdup_printf ("%u of %u", tally->run, tally->options.total)
                                  : g_strdup_printf ("%u", tally->run);
}

void
tally_running (Tally *tally, const gchar *names)
{
  const gint64 now = g_get_monotonic_time ();
  g_autofree gchar *count = count_text (tally);

  if (!tally->live || now - tally->shown < G_TIME_SPAN_SECOND)
    return;
  tally->shown = now;
  g_printerr (ERASE "%s, %s, %u s", count, names, seconds_since (tally->begun));
}

static void
tell_texts (Tally *tally, JsonObject *line, const gchar *member, const gchar *prefix)
{
  JsonArray *texts =
      json_object_has_member (line, member) ? json_object_get_array_member (line, member) : NULL;

  for (guint i = 0; texts != NULL && i < json_array_get_length (texts); i++)
    g_string_append_printf (
        tally->summary, "      %s%s\n", prefix, json_array_get_string_element (texts, i));
}

/* What the line of a scenario that did not pass says, in the summary. */
static void
note (Tally *tally, JsonObject *line, const gchar *name, const gchar *verdict)
{
  g_string_append_printf (tally->summary, "  %-12s  %s\n", verdict, name);
  tell_texts (tally, line, "failed", "");
  tell_texts (tally, line, "not_shown", "fault not shown: ");
}

static void
count (Tally *tally, JsonObject *line)
{
  const gchar *name = json_object_get_string_member_with_default (line, "scenario", "?");
  const gboolean pass = json_object_get_boolean_member_with_default (line, "pass", FALSE);
  const gchar *verdict =
      json_object_get_string_member_with_default (line, "verdict", pass ? "pass" : "fail");
  const gdouble took_ms = json_object_get_double_member_with_default (line, "took_ms", -1);
  g_autofree gchar *took =
      took_ms < 0 ? g_strdup ("") : g_strdup_printf ("%6.1f s", took_ms / 1000);
  g_autofree gchar *so_far = NULL;

  tally->run++;
  if (g_str_equal (verdict, "pass")) {
    tally->passed++;
    tally->shows_fault += json_object_get_int_member_with_default (line, "faults", 0) > 0;
  } else {
    if (g_str_equal (verdict, "inconclusive"))
      tally->inconclusive++;
    else
      tally->failed++;
    note (tally, line, name, verdict);
  }
  so_far = count_text (tally);
  g_printerr ("%s%-9s %-12s %9s  %s\n", tally->live ? ERASE : "", so_far, verdict, took, name);
}

void
tally_add (Tally *tally, const gchar *line)
{
  g_autofree gchar *whole = g_strconcat (line, "\n", NULL);
  const gssize size = (gssize) strlen (whole);
  g_autoptr (JsonNode) node = json_from_string (line, NULL);
  g_autoptr (JsonObject) object = node != NULL && JSON_NODE_HOLDS_OBJECT (node)
      ? json_node_dup_object (node)
      : json_object_new (); /* a line that is none has failed */

  count (tally, object);
  if (tally->options.json)
    g_print ("%s", whole);
  if (tally->fd >= 0 && write (tally->fd, whole, (gsize) size) != size)
    g_printerr (
        "%s: a line of --out is not whole: %s\n", tally->options.program, g_strerror (errno));
}

static gboolean
too_many_inconclusive (const Tally *tally)
{
  return tally->inconclusive * INCONCLUSIVE_PART > tally->inconclusive + tally->shows_fault;
}

gint
tally_close (Tally *tally)
{
  const TallyOptions *options = &tally->options;
  const gboolean strawman = too_many_inconclusive (tally);
  const gboolean good = tally->run > 0 && tally->failed == 0 && !strawman;

  if (tally->fd >= 0)
    close (tally->fd);
  if (strawman)
    g_string_append_printf (tally->summary,
        "  fail          too few faults shown: %u of %u; does the fault injector work?\n",
        tally->shows_fault, tally->inconclusive + tally->shows_fault);
  if (options->path != NULL)
    g_string_append_printf (tally->summary, "  lines: %s\n", options->path);
  (options->json ? g_printerr : g_print) (
      "%s, %s: %u scenarios in %u s: %u pass, %u fail, %u inconclusive\n%s", options->program,
      options->label, tally->run, seconds_since (tally->begun), tally->passed, tally->failed,
      tally->inconclusive, tally->summary->str);
  g_string_free (tally->summary, TRUE);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

gboolean
tally_chooses (const gchar *only, const gchar *name)
{
  g_auto (GStrv) globs = g_strsplit (only ? only : "*", ",", -1);

  for (gchar **glob = globs; *glob != NULL; glob++)
    if (g_pattern_match_simple (*glob, name))
      return TRUE;
  return FALSE;
}
