/* SPDX-License-Identifier: MIT
 *
 * main.c: wolf-report: from result lines to one page, or to a picture.
 *
 * Exit: 0 written, 2 something is wrong with what was given; a message says what.
 */
#include "page.h"
#include "pictures.h"
#include "text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static gchar *out_dir, *picture_name, *svg_file;
static gboolean as_text;
static gchar **files;

static const GOptionEntry entries[] = {
  { "out", 0, 0, G_OPTION_ARG_FILENAME, &out_dir, "Write DIR/index.html", "DIR" },
  { "text", 0, 0, G_OPTION_ARG_NONE, &as_text, "Print a table, too", NULL },
  { "picture", 0, 0, G_OPTION_ARG_STRING, &picture_name,
      "Write one picture, such as latency-real, sockets-real-before, bench", "NAME" },
  { "svg", 0, 0, G_OPTION_ARG_FILENAME, &svg_file, "… to this file", "FILE" },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "FILE.jsonl…" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static gboolean
read_options (int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context,
      "Makes one page that needs nothing else of any set of result lines, as wolf-scenarios, "
      "wolf-interpipe,\n"
      "the lab's scenarios and the benches write them. Pictures need gnuplot.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if ((picture_name == NULL) != (svg_file == NULL))
    g_set_error (error, REPORT_ERROR, 0, "--picture NAME and --svg FILE belong together");
  else if (out_dir == NULL && svg_file == NULL && !as_text)
    g_set_error (error, REPORT_ERROR, 0,
        "where to? --out DIR, --text, or --picture NAME --svg FILE; --help tells");
  else if (files == NULL)
    g_set_error (error, REPORT_ERROR, 0, "no file of result lines was given; --help tells");
  else
    return TRUE;
  return FALSE;
}

static Report *
read_report (GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func ((GDestroyNotify) line_free);

  for (guint i = 0; files[i] != NULL; i++)
    if (!lines_read (lines, files[i], error))
      return NULL;
  if (lines->len == 0) {
    g_autofree gchar *names = g_strjoinv (", ", files);

    g_set_error (error, REPORT_ERROR, 0,
        "%s: no result lines; wolf-scenarios --out FILE and the other programs of verify/ write "
        "them",
        names);
    return NULL;
  }
  return report_new (g_steal_pointer (&lines), error);
}

/* A new file takes the old one's place at once. */
static gboolean
write_file (const char *path, const char *content, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (g_file_set_contents_full (path, content, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &reason))
    return TRUE;
  g_set_error (error, REPORT_ERROR, 0, "%s", reason->message);
  return FALSE;
}

static gboolean
write_page (const Report *report, GError **error)
{
  g_autofree gchar *html = page_new (report, error);
  g_autofree gchar *path = g_build_filename (out_dir, "index.html", NULL);

  if (html == NULL)
    return FALSE;
  if (g_mkdir_with_parents (out_dir, 0755) != 0) {
    g_set_error (
        error, REPORT_ERROR, 0, "cannot make the folder %s: %s", out_dir, g_strerror (errno));
    return FALSE;
  }
  return write_file (path, html, error);
}

/* ---- single pictures ---- */

/* latency-TARGET[-narrow], sockets-TARGET-before|after */
static gchar *
pair_picture (const TimelinePair *pair, GString *names, GError **error)
{
  static const char *const sides[] = { "before", "after" };
  g_autofree gchar *latency = g_strconcat ("latency-", pair->target, NULL);
  g_autofree gchar *narrow = g_strconcat (latency, "-narrow", NULL);

  g_string_append_printf (names, " %s %s", latency, narrow);
  if (g_str_equal (picture_name, latency))
    return picture_latency (pair, PLOT_WIDE, PLOT_STANDALONE, error);
  if (g_str_equal (picture_name, narrow))
    return picture_latency (pair, PLOT_NARROW, PLOT_STANDALONE, error);
  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    g_autofree gchar *sockets = g_strconcat ("sockets-", pair->target, "-", sides[side], NULL);

    if (pair->sides[side] == NULL || pair->sides[side]->sockets->len == 0)
      continue;
    g_string_append_printf (names, " %s", sockets);
    if (g_str_equal (picture_name, sockets))
      return picture_sockets (pair, side, PLOT_STANDALONE, error);
  }
  return NULL;
}

static gchar *
bench_picture (const Report *report, GString *names, GError **error)
{
  static const char *const kinds[N_BENCHES] = { "bench-cost", "bench-rate", "bench-unbound" };

  for (int kind = 0; kind < N_BENCHES; kind++) {
    g_autofree gchar *narrow = g_strconcat (kinds[kind], "-narrow", NULL);

    if (g_str_equal (picture_name, kinds[kind]))
      return picture_benches (report, kind, PLOT_WIDE, PLOT_STANDALONE, error);
    if (g_str_equal (picture_name, narrow))
      return picture_benches (report, kind, PLOT_NARROW, PLOT_STANDALONE, error);
    if (report->benches->len > 0)
      g_string_append_printf (names, " %s", kinds[kind]);
  }
  return NULL;
}

static gboolean
write_picture (const Report *report, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GError) reason = NULL;
  g_autofree gchar *svg = NULL;

  for (guint i = 0; i < report->timelines->len && svg == NULL && reason == NULL; i++)
    svg = pair_picture (g_ptr_array_index (report->timelines, i), names, &reason);
  if (svg == NULL && reason == NULL)
    svg = bench_picture (report, names, &reason);
  if (reason != NULL) {
    g_propagate_error (error, g_steal_pointer (&reason));
    return FALSE;
  }
  if (svg == NULL) {
    g_set_error (error, REPORT_ERROR, 0, "these lines have no picture \"%s\"; they have:%s",
        picture_name, names->len > 0 ? names->str : " none");
    return FALSE;
  }
  return write_file (svg_file, svg, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Report) report = NULL;

  signal (SIGPIPE, SIG_IGN); /* a gnuplot that ends early is reported, not followed */
  if (!read_options (&argc, &argv, &error) || (report = read_report (&error)) == NULL
      || (out_dir != NULL && !write_page (report, &error))
      || (svg_file != NULL && !write_picture (report, &error))) {
    g_printerr ("wolf-report: %s\n", error->message);
    return 2;
  }
  if (as_text) {
    g_autofree gchar *text = text_new (report);

    fputs (text, stdout);
  }
  return 0;
}
