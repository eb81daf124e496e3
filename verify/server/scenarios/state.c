/* SPDX-License-Identifier: MIT */
/* state.c: the disk of the server's state does not answer, as a network's may do. */
#include "around.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS "config.toml"
#define FLAG "hold-folders"
#define LIBRARY "libwghold.so"
/* More than the API has threads. */
#define SAVES 12

/* A launch whose app gets no folder. */
void
scenario_state_silent_launch (Runner *runner, Result *result)
{
  g_autofree gchar *flag = runner_path (runner, FLAG);
  g_autofree gchar *folder = runner_path (runner, "state");
  g_auto (Answer) cancelled = { 0 };

  g_setenv ("WG_HOLD_FLAG", flag, TRUE);
  g_setenv ("WG_HOLD_FOLDER", folder, TRUE);
  if (!around_restart_with (runner, result, LIBRARY))
    return;
  around_begin (runner, result);
  expect_both (result, g_file_set_contents (flag, "", 0, NULL), "no folder is made");
  Client *client = client_start (runner, 0, NULL, PATIENCE_MS);
  g_autoptr (JsonObject) launched = client_report (client, "launch", SHORT_PATIENCE_MS);
  const gboolean answers = around_measure (runner, result, "during");
  expect_fault (result, launched == NULL && !answers, "HTTPS is silent until the disk answers");
  expect_held (result, launched != NULL, "the launch is answered");
  expect_held (result, answers, "HTTPS answers meanwhile");
  g_unlink (flag);
  expect_both (result, client_streams (client, PATIENCE_MS), "afterwards the session streams");
  ask_https_now (runner, 0, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  expect_held (result, cancelled.status == 200, "/cancel is answered");
  client_end (client);
  around_end (runner, result);
}

/* Whoever opens the settings waits until somebody writes to them. */
static gboolean
hold (const gchar *file)
{
  return g_unlink (file) == 0 && mkfifo (file, 0600) == 0;
}

/* Who waits reads `text`; the file is one again. FALSE: nobody waits. */
static gboolean
let_go (const Runner *runner, const gchar *file, const gchar *text)
{
  g_autofree gchar *other = runner_path (runner, "settings");
  const gint fd = open (file, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    return FALSE;
  const gboolean done = g_file_set_contents (other, text, -1, NULL) && g_rename (other, file) == 0
      && write (fd, text, strlen (text)) == (gssize) strlen (text);
  close (fd);
  return done;
}

void
scenario_state_silent_settings (Runner *runner, Result *result)
{
  g_autofree gchar *file = runner_path (runner, SETTINGS);
  g_autofree gchar *body = g_strdup_printf (
      "{\"client_id\":\"%s\",\"app_state_folder\":\"other\"}", runner->session_ids[0]);
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;
  g_auto (Answer) other = { 0 };
  Question *saves[SAVES];
  guint saved = 0;

  around_begin (runner, result);
  expect_both (result, g_file_get_contents (file, &before, NULL, NULL) && hold (file),
      "the settings' disk is silent");
  for (guint i = 0; i < SAVES; i++)
    saves[i] = ask_api (runner, "POST", "/api/v1/clients/settings", body, PATIENCE_MS);
  expect_both (result, !question_is_over (saves[0], SOON_MS / 20), "the change waits for the disk");
  ask_api_now (runner, "GET", "/api/v1/sessions", NULL, SHORT_PATIENCE_MS, &other);
  result_answer (result, "other", &other);
  expect_fault (result, !other.answered, "the API is silent until the disk answers");
  expect_held (result, other.status == 200, "the API answers others meanwhile");
  expect_held (result, around_measure (runner, result, "during"), "HTTPS answers meanwhile");
  expect_both (result, let_go (runner, file, before), "somebody waits for the disk");
  for (guint i = 0; i < SAVES; i++) {
    g_auto (Answer) answer = { 0 };
    question_end (saves[i], &answer);
    saved += answer.status == 200;
  }
  result_int (result, "saved", saved);
  expect_held (result, saved == SAVES, "each change is answered when it is written");
  g_file_get_contents (file, &after, NULL, NULL);
  expect_held (result, after != NULL && strstr (after, "other") != NULL, "it is in the file");
  around_end (runner, result);
}
