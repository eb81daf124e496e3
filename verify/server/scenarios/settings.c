/* SPDX-License-Identifier: MIT */
/* settings.c: the file of settings: its disk is full, it is cut, read-only or away. */
#define _GNU_SOURCE
#include "around.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#define FILE_NAME "config.toml"
/* The disk of the settings, and a setting that does not fit on it. */
#define DISK "disk"
#define DISK_OPTIONS "size=64k,mode=0700"
#define TOO_BIG 100000
#define START_LIMIT_MS 20000

/* The settings move to a small disk of their own, behind a link, and the server is started anew.
 * Only this scenario sees the disk. */
static gboolean
move_to_disk (Runner *runner, Result *result)
{
  g_autofree gchar *disk = runner_path (runner, DISK);
  g_autofree gchar *file = runner_path (runner, FILE_NAME);
  g_autofree gchar *moved = g_build_filename (disk, FILE_NAME, NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;

  g_mkdir (disk, 0700);
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount ("none", disk, "tmpfs", 0, DISK_OPTIONS) < 0) {
    expect_both (result, FALSE, g_strerror (errno));
    return FALSE;
  }
  const gboolean done = g_file_get_contents (file, &text, NULL, NULL)
      && g_file_set_contents (moved, text, -1, NULL) && g_unlink (file) == 0
      && symlink (moved, file) == 0 && runner_restart (runner, &error);
  expect_both (result, done, error ? error->message : "the settings are on a disk of their own");
  return done;
}

/* Changes a client's settings; `folder` is one of them. */
static void
save (Runner *runner, Result *result, const gchar *name, const gchar *folder, Answer *answer)
{
  g_autofree gchar *body = g_strdup_printf ("{\"client_id\":\"%s\",\"app_state_folder\":\"%s\","
                                            "\"settings\":{\"mouse_acceleration\":2.0}}",
      runner->session_ids[0], folder);

  ask_api_now (runner, "POST", "/api/v1/clients/settings", body, SHORT_PATIENCE_MS, answer);
  result_answer (result, name, answer);
}

/* Restarts the server with what there is. */
static void
restart (Runner *runner, Result *result)
{
  g_autoptr (GError) error = NULL;

  runner->start_ms = START_LIMIT_MS;
  const gboolean up = runner_restart (runner, &error);
  result_bool (result, "restarted", up);
  expect_fault (result, !up, "the server does not start again");
  expect_held (result, up, "the server starts again");
  if (up)
    around_end (runner, result);
}

void
scenario_settings_disk_full (Runner *runner, Result *result)
{
  g_autofree gchar *file = runner_path (runner, FILE_NAME);
  g_autofree gchar *big = g_strnfill (TOO_BIG, 'x');
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;
  g_auto (Answer) saved = { 0 };

  if (!move_to_disk (runner, result))
    return;
  around_begin (runner, result);
  g_file_get_contents (file, &before, NULL, NULL);
  save (runner, result, "save", big, &saved);
  const gboolean answers = around_measure (runner, result, "during");
  g_file_get_contents (file, &after, NULL, NULL);
  const gboolean same = g_strcmp0 (before, after) == 0;
  result_bool (result, "file_whole", same);
  expect_fault (result, saved.status == 200 && !same, "success is answered, and the file is cut");
  expect_held (result, saved.answered && saved.status >= 400, "the caller hears of the failure");
  expect_held (result, same, "the file is as it was");
  expect_held (result, answers, "HTTPS answers meanwhile");
  restart (runner, result);
}

/* The file is cut in its middle, as after a crash of the machine. */
void
scenario_settings_cut (Runner *runner, Result *result)
{
  g_autofree gchar *file = runner_path (runner, FILE_NAME);
  g_autofree gchar *text = NULL;
  g_auto (Answer) first = { 0 };
  g_auto (Answer) second = { 0 };
  gsize size = 0;

  save (runner, result, "save", "first", &first);
  save (runner, result, "save_again", "second", &second);
  expect_both (result, first.status == 200 && second.status == 200, "settings were saved");
  around_begin (runner, result);
  expect_both (result,
      g_file_get_contents (file, &text, &size, NULL)
          && g_file_set_contents (file, text, (gssize) size / 2, NULL),
      "the file is cut");
  restart (runner, result);
}

static void
save_fails (Runner *runner, Result *result, const gchar *fault)
{
  g_auto (Answer) saved = { 0 };

  save (runner, result, "save", "folder", &saved);
  const gboolean ended = runner_has_ended (runner, runner->server->dying_ms);
  expect_fault (result, ended || saved.status == 200, fault);
  expect_held (result, saved.answered && saved.status >= 400, "the caller hears of the failure");
  if (!ended)
    expect_held (result, around_measure (runner, result, "during"), "HTTPS answers meanwhile");
}

void
scenario_settings_read_only (Runner *runner, Result *result)
{
  g_autofree gchar *disk = runner_path (runner, DISK);

  if (!move_to_disk (runner, result))
    return;
  around_begin (runner, result);
  expect_both (result, mount ("none", disk, NULL, MS_REMOUNT | MS_RDONLY, DISK_OPTIONS) == 0,
      "the settings are read-only");
  save_fails (runner, result, "success is answered, and nothing is saved");
  around_end (runner, result);
}

void
scenario_settings_removed (Runner *runner, Result *result)
{
  g_autofree gchar *file = runner_path (runner, FILE_NAME);

  around_begin (runner, result);
  expect_both (result, g_unlink (file) == 0, "the settings are away");
  save_fails (runner, result, "a change of settings ends the server, or is answered with success");
  around_end (runner, result);
}
