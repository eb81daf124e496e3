/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "deadline.h"
#include "options.h"
#include "report.h"
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SECONDS 3.0
#define DEFAULT_HOLD_SECONDS 3600 /* a harness that died must not leave us streaming for ever */
#define LINE_MAX_BYTES 4096

static const char description[] =
    "One JSON line a phase: applist (first time), launch, setup, announce, ping, packets,\n"
    "cancel, each with ok and ms. With --hold, one command a line from standard input: stats,\n"
    "launch, resume, setup, announce, ping, cancel, serverinfo, quit; end of input is quit.\n"
    "launch and resume run all phases up to --stop-after, too. A number after a command is a\n"
    "timeout for it alone, in seconds: cancel 100.\n"
    "\n"
    "Exit status: 0 all ok; 1 a phase failed or no video came; 2 the server did not answer;\n"
    "3 wrong usage.";

/* The phases in their order; what --stop-after names. */
typedef enum { STOP_LAUNCH, STOP_SETUP, STOP_ANNOUNCE, STOP_PING, STOP_STREAM } StopAfter;

static const char *const stop_names[] = { "launch", "setup", "announce", "ping", "stream" };

typedef struct {
  ProbeTarget target;
  ProbeSession *session;
  StopAfter stop_after;
  gint64 stream_us;
  gboolean app_known;
  int worst; /* exit status so far */
} Run;

/* Prints a step's report and keeps the account. TRUE if the step succeeded. */
static gboolean
report_step (Run *run, JsonObject *report)
{
  gboolean ok = json_object_get_boolean_member (report, "ok");

  if (!ok)
    run->worst = MAX (run->worst, PROBE_EXIT_DEGRADED);
  if (probe_session_saw_silence (run->session))
    run->worst = PROBE_EXIT_SILENT;
  probe_report_line (report);
  return ok;
}

/* Lets the stream run for its time; its own thread does the work. */
static void
let_stream_run (const Run *run)
{
  gint64 deadline = probe_deadline_in (run->stream_us);

  while (!probe_deadline_passed (deadline))
    poll (NULL, 0, probe_deadline_poll_ms (deadline));
}

/* All phases up to the wanted one. */
static void
run_phases (Run *run, gboolean resume, gboolean hold)
{
  ProbeSession *session = run->session;

  if (!run->app_known && !report_step (run, probe_session_find_app (session)))
    return;
  run->app_known = TRUE;
  if (!report_step (run, probe_session_launch (session, resume)) || run->stop_after == STOP_LAUNCH)
    return;
  if (!report_step (run, probe_session_setup (session)) || run->stop_after == STOP_SETUP)
    return;
  if (!report_step (run, probe_session_announce (session)) || run->stop_after == STOP_ANNOUNCE)
    return;
  if (!report_step (run, probe_session_ping (session)) || run->stop_after == STOP_PING || hold)
    return;
  let_stream_run (run);
  report_step (run, probe_session_packets (session));
}

static void
report_bad_command (Run *run, const char *line)
{
  JsonObject *report = probe_report_event ("error");
  g_autofree char *message = g_strdup_printf ("there is no command '%s'", line);

  json_object_set_boolean_member (report, "ok", FALSE);
  json_object_set_string_member (report, "error", message);
  report_step (run, report);
}

static void
run_command (Run *run, const char *line)
{
  ProbeSession *session = run->session;

  if (strcmp (line, "stats") == 0)
    probe_report_line (probe_session_packets (session)); /* silence may be what is expected */
  else if (strcmp (line, "cancel") == 0)
    report_step (run, probe_session_cancel (session));
  else if (strcmp (line, "launch") == 0)
    run_phases (run, FALSE, TRUE);
  else if (strcmp (line, "resume") == 0)
    run_phases (run, TRUE, TRUE);
  else if (strcmp (line, "setup") == 0)
    report_step (run, probe_session_setup (session));
  else if (strcmp (line, "announce") == 0)
    report_step (run, probe_session_announce (session));
  else if (strcmp (line, "ping") == 0)
    report_step (run, probe_session_ping (session));
  else if (strcmp (line, "serverinfo") == 0)
    report_step (run, probe_session_serverinfo (session));
  else
    report_bad_command (run, line);
}

/* A line of standard input: a command, and perhaps its timeout in seconds. FALSE: quit. */
static gboolean
run_line (Run *run, char *line)
{
  char *space = strchr (g_strstrip (line), ' ');
  gint64 usual_timeout_us = run->target.timeout_us;
  double seconds = space != NULL ? g_ascii_strtod (space, NULL) : 0;

  if (strcmp (line, "quit") == 0)
    return FALSE;
  if (strcmp (line, "") == 0)
    return TRUE;
  if (space != NULL && !(seconds > 0 && seconds <= DEFAULT_HOLD_SECONDS)) {
    report_bad_command (run, line);
    return TRUE;
  }
  if (space != NULL) {
    *space = '\0';
    run->target.timeout_us = (gint64) (seconds * (double) G_USEC_PER_SEC);
  }
  run_command (run, line);
  run->target.timeout_us = usual_timeout_us;
  return TRUE;
}

/* Obeys standard input until quit, its end, or @hold_seconds are over. */
static void
hold (Run *run, int hold_seconds)
{
  g_autoptr (GString) input = g_string_new (NULL);
  gint64 deadline = probe_deadline_in ((gint64) hold_seconds * G_USEC_PER_SEC);

  for (;;) {
    char chunk[512];
    gssize count;
    char *line_end;

    while ((line_end = strchr (input->str, '\n')) != NULL) {
      g_autofree char *line = g_strndup (input->str, (gsize) (line_end - input->str));

      g_string_erase (input, 0, line_end - input->str + 1);
      if (!run_line (run, line))
        return;
    }
    if (input->len > LINE_MAX_BYTES
        || !probe_wait_fd (STDIN_FILENO, POLLIN, deadline, "command", NULL))
      return;
    count = read (STDIN_FILENO, chunk, sizeof chunk);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (count <= 0)
      return;
    g_string_append_len (input, chunk, count);
  }
}

static gboolean
parse_mode (const char *text, ProbeSessionSettings *settings)
{
  int consumed = 0;

  return sscanf (
             text, "%5dx%5dx%3d%n", &settings->width, &settings->height, &settings->fps, &consumed)
      == 3
      && text[consumed] == '\0' && settings->width > 0 && settings->height > 0 && settings->fps > 0;
}

static gboolean
parse_stop_after (const char *text, StopAfter *stop_after)
{
  for (guint i = 0; i < G_N_ELEMENTS (stop_names); i++) {
    if (strcmp (text, stop_names[i]) == 0) {
      *stop_after = (StopAfter) i;
      return TRUE;
    }
  }
  return FALSE;
}

static void
run_once (Run *run, gboolean resume, int hold_seconds, gboolean cancel)
{
  run_phases (run, resume, hold_seconds > 0);
  if (hold_seconds > 0)
    hold (run, hold_seconds);
  if (cancel && probe_session_is_launched (run->session))
    report_step (run, probe_session_cancel (run->session));
}

int
probe_command_session (int argc, char **argv)
{
  g_auto (ProbeOptions) options;
  g_autoptr (ProbeTls) client = NULL;
  g_autoptr (ProbeSession) session = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *app = NULL;
  g_autofree char *mode = NULL;
  g_autofree char *stop_after = NULL;
  double seconds = DEFAULT_SECONDS;
  gboolean no_cancel = FALSE;
  gboolean cancel = FALSE;
  gboolean relaunch = FALSE;
  gboolean resume = FALSE;
  gboolean want_hold = FALSE;
  int hold_seconds = DEFAULT_HOLD_SECONDS;
  ProbeSessionSettings settings = { .width = 640, .height = 360, .fps = 30 };
  Run run = { .stop_after = STOP_STREAM };
  const GOptionEntry own[] = {
    { "app", 0, 0, G_OPTION_ARG_STRING, &app, "Its ID, title or position in /applist (1)", "APP" },
    { "mode", 0, 0, G_OPTION_ARG_STRING, &mode, "Picture (640x360x30)", "WxHxFPS" },
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "How long to stream (3)", "N" },
    { "stop-after", 0, 0, G_OPTION_ARG_STRING, &stop_after,
        "launch, setup, announce, ping or stream (stream)", "PHASE" },
    { "cancel", 0, 0, G_OPTION_ARG_NONE, &cancel, "Cancel in the end (so it is by default)", NULL },
    { "no-cancel", 0, 0, G_OPTION_ARG_NONE, &no_cancel, "Leave without cancelling", NULL },
    { "relaunch", 0, 0, G_OPTION_ARG_NONE, &relaunch, "Then the same once more", NULL },
    { "resume", 0, 0, G_OPTION_ARG_NONE, &resume, "/resume instead of /launch", NULL },
    { "hold", 0, 0, G_OPTION_ARG_NONE, &want_hold, "Stream on, obey standard input", NULL },
    { "hold-seconds", 0, 0, G_OPTION_ARG_INT, &hold_seconds, "For at most that long (3600)", "N" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };

  probe_options_init (&options);
  if (!probe_options_parse (
          &options, "session", "stream as a Moonlight client does", description, own, &argc, &argv))
    return PROBE_EXIT_USAGE;
  if (mode != NULL && !parse_mode (mode, &settings))
    return probe_usage_error ("session", "--mode %s is not WIDTHxHEIGHTxFPS", mode);
  if (stop_after != NULL && !parse_stop_after (stop_after, &run.stop_after))
    return probe_usage_error ("session", "--stop-after %s is no phase", stop_after);
  if (cancel && no_cancel)
    return probe_usage_error ("session", "--cancel and --no-cancel exclude each other");
  if (!(seconds >= 0 && seconds <= DEFAULT_HOLD_SECONDS) || hold_seconds < 1)
    return probe_usage_error ("session", "--seconds and --hold-seconds must be reasonable times");
  client = probe_options_get_client (&options, &error);
  if (error != NULL)
    return probe_usage_error ("session", "%s", error->message);
  if (client == NULL)
    return probe_usage_error ("session", "a session needs --cert and --key of a paired client");
  settings.app = app != NULL ? app : "1";
  probe_options_get_target (&options, &run.target);

  run.session = session = probe_session_new (&run.target, client, &settings);
  run.stream_us = (gint64) (seconds * (double) G_USEC_PER_SEC);
  run_once (&run, resume, want_hold ? hold_seconds : 0, !no_cancel);
  if (relaunch && !want_hold)
    run_once (&run, FALSE, 0, !no_cancel);
  return run.worst;
}
