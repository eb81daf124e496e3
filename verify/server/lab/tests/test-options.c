/* SPDX-License-Identifier: MIT */
/* test-options.c: wrong usage gets one clear line; help fits a screen. */
#include "lab-process.h"

#include <stdio.h>
#include <string.h>

#define SCREEN_LINES 36
#define SCREEN_COLUMNS 80
#define WOLF_HTTP_PORT 47989

/* Exit status 2, one line that names the lab, what was wrong (`telling`) and where to look. */
static void
assert_refused (gint status, const gchar *err, const gchar *telling)
{
  g_assert_cmpint (status, ==, 2);
  g_assert_true (g_str_has_prefix (err, "wolf-lab: "));
  g_assert_nonnull (strstr (err, telling));
  g_assert_true (g_str_has_suffix (err, "see --help\n"));
  g_assert_true (strchr (err, '\n') == err + strlen (err) - 1);
}

static void
test_refused (void)
{
  static const struct {
    const gchar *first, *second, *third, *telling;
  } wrong[] = {
    { "--dir=/", "--bogus", NULL, "--bogus" },
    { "--dir=/", "--stop=later", NULL, "--stop=later: it is eos or guard" },
    { "--dir=/", "--stop=", NULL, "it is eos or guard" },
    { "--dir=/", "--preset=both", NULL, "--preset=both: it is before or after" },
    { "--dir=/", "--stop=eos", "--stop=guard", "--stop is given as eos and as guard" },
    { "--dir=/", "--preset=before", "--preset=after", "given as before and as after" },
    { "--dir=/", "word", NULL, "word is no option" },
    { "--preset=before", NULL, NULL, "--dir is not given" },
    { "--dir=/nonexistent", NULL, NULL, "/nonexistent is no folder" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autofree gchar *err = NULL;
    const gint status =
        lab_process_run (NULL, &err, wrong[i].first, wrong[i].second, wrong[i].third, NULL);
    assert_refused (status, err, wrong[i].telling);
  }
}

/* What can only be seen when GStreamer is up. */
static void
test_no_plugin (void)
{
  g_autofree gchar *err = NULL;

  g_setenv ("GST_PLUGIN_PATH", "/nonexistent", TRUE);
  const gint status = lab_process_run (NULL, &err, "--dir=/", "--handover=interpipe", NULL);
  if (status == 2)
    assert_refused (status, err, "GST_PLUGIN_PATH");
  else
    g_test_skip ("gst-interpipe is installed here");
}

static void
test_bad_certificate (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("wolf-lab-XXXXXX", NULL);
  g_autofree gchar *folder = g_build_filename (dir, "clients", NULL);
  g_autofree gchar *path = g_build_filename (folder, "x.pem", NULL);
  g_autofree gchar *err = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "no certificate", -1, NULL));
  g_assert_cmpint (lab_process_run (NULL, &err, "--dir", dir, NULL), ==, 1);
  g_assert_nonnull (strstr (err, path));
  g_assert_nonnull (strstr (err, "is no certificate"));
  remove (path);
  remove (folder);
  remove (dir);
}

/* A port that somebody else has: which, and what to do. */
static void
test_busy_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autofree gchar *dir = g_dir_make_tmp ("wolf-lab-XXXXXX", NULL);
  g_autofree gchar *err = NULL;

  /* Whether it is ours or not, somebody has it now. */
  g_socket_listener_add_inet_port (listener, WOLF_HTTP_PORT, NULL, NULL);
  g_assert_cmpint (lab_process_run (NULL, &err, "--ports=wolf", "--dir", dir, NULL), ==, 1);
  g_assert_nonnull (strstr (err, "port " G_STRINGIFY (WOLF_HTTP_PORT) " of 127.0.0.1"));
  g_assert_nonnull (strstr (err, "leave out --ports=wolf"));
  remove (dir);
}

static void
test_help (void)
{
  g_autofree gchar *out = NULL;

  g_assert_cmpint (lab_process_run (&out, NULL, "--help", NULL), ==, 0);
  g_auto (GStrv) lines = g_strsplit (out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), <=, SCREEN_LINES);
  for (gchar **line = lines; *line != NULL; line++)
    g_assert_cmpuint (strlen (*line), <=, SCREEN_COLUMNS);
  g_assert_nonnull (strstr (out, "--stop=eos|guard"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lab/options/refused", test_refused);
  g_test_add_func ("/lab/options/no-plugin", test_no_plugin);
  g_test_add_func ("/lab/options/bad-certificate", test_bad_certificate);
  g_test_add_func ("/lab/options/busy-port", test_busy_port);
  g_test_add_func ("/lab/options/help", test_help);
  return g_test_run ();
}
