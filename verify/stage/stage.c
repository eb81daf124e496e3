/* SPDX-License-Identifier: MIT */
/* stage.c: Wolf's folder, its configuration, its start and its end. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often Wolf is started before the stage gives up. */
#define STARTS 5

/* The stage's one app: a virtual compositor, which is the stand-in, and no sound server. Encoders
 * are the cheapest there are: what is measured is not their speed. */
static const gchar *const app =
    "[[profiles]]\n"
    "id = 'moonlight-profile-id'\n"
    "[[profiles.apps]]\n"
    "title = 'Stage'\n"
    "start_virtual_compositor = true\n"
    "start_audio_server = false\n"
    "render_node = 'software'\n"
    "[profiles.apps.runner]\n"
    "type = 'process'\n"
    "run_cmd = 'sleep 1000'\n"
    "[profiles.apps.video]\n"
    "source = 'interpipesrc name=interpipesrc_{session_id}_video listen-to={session_id}_video "
    "is-live=true stream-sync=restart-ts max-bytes=0 max-buffers=1 leaky-type=downstream'\n"
    "video_params = 'videoconvertscale ! video/x-raw, width={width}, height={height}, "
    "format=I420'\n"
    "h264_encoder = 'x264enc tune=zerolatency speed-preset=ultrafast threads=1 bitrate={bitrate} "
    "key-int-max=30 ! video/x-h264, profile=baseline, stream-format=byte-stream'\n"
    "sink = 'queue ! rtpmoonlightpay_video name=moonlight_pay payload_size={payload_size} "
    "fec_percentage={fec_percentage} min_required_fec_packets={min_required_fec_packets} ! "
    "appsink sync=false max-buffers=1 drop=true name=wolf_udp_sink'\n"
    "[profiles.apps.audio]\n"
    "source = 'audiotestsrc is-live=true name=stage_audio_{session_id}'\n"
    "audio_params = 'audio/x-raw, channels={channels} ! audioconvert'\n"
    "opus_encoder = 'opusenc bitrate={bitrate} bitrate-type=cbr frame-size={packet_duration} "
    "bandwidth=fullband audio-type=restricted-lowdelay max-payload-size=1400'\n"
    "sink = 'queue ! rtpmoonlightpay_audio name=moonlight_pay packet_duration={packet_duration} "
    "encrypt={encrypt} aes_key=\"{aes_key}\" aes_iv=\"{aes_iv}\" ! appsink name=wolf_udp_sink'\n"
    "[gstreamer.video]\n"
    "default_source = 'interpipesrc name=interpipesrc_{}_video listen-to={session_id}_video'\n"
    "default_sink = 'appsink name=wolf_udp_sink'\n"
    "[[gstreamer.video.h264_encoders]]\n"
    "plugin_name = 'x264'\n"
    "check_elements = ['x264enc']\n"
    "encoder_pipeline = 'x264enc'\n"
    "[gstreamer.audio]\n"
    "default_source = 'interpipesrc name=interpipesrc_{}_audio listen-to={session_id}_audio'\n"
    "default_audio_params = 'audioconvert'\n"
    "default_opus_encoder = 'opusenc'\n"
    "default_sink = 'appsink name=wolf_udp_sink'\n";

gchar *
stage_client_file (const StageOptions *options, guint client, const gchar *file)
{
  return g_strdup_printf ("%s/client-%u/%s", options->scratch, client, file);
}

gboolean
stage_make_certificates (const StageOptions *options, guint n, GError **error)
{
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *folder = stage_client_file (options, i, "");
    g_autofree gchar *cert = stage_client_file (options, i, "client.crt");
    const gchar *const argv[] = { options->probe, "cert", "--json", "--out", folder, NULL };
    gint status;
    if (g_file_test (cert, G_FILE_TEST_EXISTS))
      continue;
    if (!g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
            NULL, &status, error)
        || !g_spawn_check_wait_status (status, error))
      return FALSE;
  }
  return TRUE;
}

static gchar *
path_in (const Stage *stage, const gchar *name)
{
  return g_build_filename (stage->dir, name, NULL);
}

static gboolean
write_config (const Stage *stage, GError **error)
{
  g_autofree gchar *path = path_in (stage, "config.toml");
  g_autoptr (GString) text = g_string_new ("hostname = 'Stage'\n"
                                           "uuid = '00000000-0000-4000-8000-000000000001'\n"
                                           "config_version = 7\n");

  for (guint i = 0; i < stage->n_clients; i++) {
    g_autofree gchar *file = stage_client_file (stage->options, i, "client.crt");
    g_autofree gchar *cert = NULL;
    if (!g_file_get_contents (file, &cert, NULL, error))
      return FALSE;
    g_string_append_printf (text,
        "[[paired_clients]]\nclient_cert = '''%s'''\napp_state_folder = 'client%u'\n"
        "[paired_clients.settings]\nrun_uid = %u\nrun_gid = %u\n",
        cert, i, getuid (), getgid ());
  }
  g_string_append (text, app);
  return g_file_set_contents (path, text->str, -1, error);
}

static gchar **
environment (const Stage *stage)
{
  const StageOptions *options = stage->options;
  gchar **env = g_get_environ ();
  const struct {
    const gchar *name, *file;
  } files[] = { { "WOLF_CFG_FILE", "config.toml" }, { "WOLF_SOCKET_PATH", "wolf.sock" },
    { "XDG_RUNTIME_DIR", "run" }, { "HOST_APPS_STATE_FOLDER", "state" },
    { "WOLF_DOCKER_SOCKET", "no-docker" }, { "WG_FAULTS_SOCKET", "faults.sock" },
    { "WG_FAULTS_JOURNAL", "journal" } };
  const struct {
    const gchar *name, *value;
  } values[] = { { "WOLF_INTERNAL_IP", "127.0.0.1" }, { "WOLF_INTERNAL_MAC", "02:00:00:00:00:01" },
    { "WOLF_LOG_LEVEL", "DEBUG" }, { "WOLF_SKIP_WAYLAND_SOCKET_WAIT", "TRUE" },
    { "WOLF_RENDER_NODE", "software" }, { "WOLF_USE_ZERO_COPY", "FALSE" },
    { "GST_TRACERS", "wgfaults" }, { "PULSE_SERVER", "unix:/nonexistent" } };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = path_in (stage, files[i].file);
    env = g_environ_setenv (env, files[i].name, path, TRUE);
  }
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    env = g_environ_setenv (env, values[i].name, values[i].value, TRUE);
  g_autofree gchar *plugins = g_strconcat (options->interpipe, ":", options->plugins, NULL);
  /* The first Wolf of a run makes them, which takes seconds; the others have the same. */
  g_autofree gchar *key = g_build_filename (options->scratch, "wolf-key.pem", NULL);
  g_autofree gchar *cert = g_build_filename (options->scratch, "wolf-cert.pem", NULL);
  g_autofree gchar *registry = g_build_filename (options->scratch, "registry.bin", NULL);
  env = g_environ_setenv (env, "WOLF_PRIVATE_KEY_FILE", key, TRUE);
  env = g_environ_setenv (env, "WOLF_PRIVATE_CERT_FILE", cert, TRUE);
  env = g_environ_setenv (env, "GST_PLUGIN_PATH", plugins, TRUE);
  return g_environ_setenv (env, "GST_REGISTRY", registry, TRUE);
}

static void
prepare_wolf (gpointer data)
{
  const gint fd = GPOINTER_TO_INT (data);

  dup2 (fd, STDOUT_FILENO);
  dup2 (fd, STDERR_FILENO);
  prctl (PR_SET_PDEATHSIG, SIGKILL); /* a scenario that was killed leaves no Wolf behind */
}

static gboolean
start_wolf (Stage *stage, GError **error)
{
  g_autofree gchar *log = path_in (stage, "wolf.log");
  g_auto (GStrv) env = environment (stage);
  const gchar *const argv[] = { stage->options->wolf, NULL };
  const gint fd = g_open (log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const gboolean started = fd >= 0
      && g_spawn_async (stage->dir, (gchar **) argv, env, G_SPAWN_DO_NOT_REAP_CHILD, prepare_wolf,
          GINT_TO_POINTER (fd), &stage->wolf, error);

  if (fd >= 0)
    close (fd);
  return started;
}

static void
tell_log (const Stage *stage, const gchar *what, GError **error)
{
  g_autofree gchar *log = stage_log (stage);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Wolf %s; its log ends: %s", what,
      log ? log + MAX (0, (gssize) strlen (log) - 600) : "");
}

/* What main() logs right before it registers the handlers of sessions and lobbies, its last act; its
 * ports have been open for a while by then. */
#define LAST_ACT "[PULSE_ROUTER]"

static gboolean
has_logged (const Stage *stage, const gchar *text)
{
  g_autofree gchar *log = stage_log (stage);

  return log != NULL && strstr (log, text) != NULL;
}

/* Asks until the HTTPS port and the API both answer as they should. FALSE without `error`: Wolf
 * ended. */
static gboolean
wait_until_served (Stage *stage, GError **error)
{
  const gint64 until = g_get_monotonic_time () + STAGE_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < until) {
    g_auto (Answer) https = { 0 };
    g_auto (Answer) api = { 0 };
    if (!stage_is_alive (stage))
      return FALSE;
    stage_https (stage, 0, "/serverinfo", STAGE_SHORT_PATIENCE_MS, &https);
    stage_api (stage, "GET", "/api/v1/sessions", NULL, STAGE_SHORT_PATIENCE_MS, &api);
    if (https.status == 200 && api.status == 200 && has_logged (stage, LAST_ACT))
      return TRUE;
    stage_let_pass (50); /* a refused connection says nothing about when to come back */
  }
  tell_log (stage, "does not serve its ports", error);
  return FALSE;
}

/* Without a sound server, which the stage has not, upstream copies from an empty std::optional and
 * crashes at some starts, as what lies on the stack will have it. Another start is another try; how
 * many there were is told to the result. */
static gboolean
bring_up (Stage *stage, GError **error)
{
  GError *cause = NULL;

  for (guint i = 0; i < STARTS; i++, stage->crashed_starts++) {
    if (!start_wolf (stage, &cause) || wait_until_served (stage, &cause))
      break;
    if (cause != NULL)
      break;
  }
  if (cause == NULL && stage->wolf == 0)
    tell_log (stage, "ended at each of its starts", &cause);
  if (cause == NULL)
    return TRUE;
  g_propagate_error (error, cause);
  return FALSE;
}

static JsonArray *
api_array (const Stage *stage, const gchar *path, const gchar *member)
{
  g_auto (Answer) answer = { 0 };

  stage_api (stage, "GET", path, NULL, STAGE_SOON_MS, &answer);
  g_autoptr (JsonNode) node = answer.body ? json_from_string (answer.body, NULL) : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
      || !json_object_has_member (json_node_get_object (node), member))
    return NULL;
  return json_array_ref (json_object_get_array_member (json_node_get_object (node), member));
}

static gboolean
learn_ids (Stage *stage, GError **error)
{
  g_autoptr (JsonArray) apps = api_array (stage, "/api/v1/apps", "apps");
  g_autoptr (JsonArray) clients = api_array (stage, "/api/v1/clients", "clients");

  if (apps == NULL || json_array_get_length (apps) == 0 || clients == NULL
      || json_array_get_length (clients) != stage->n_clients) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "Wolf's API does not tell the stage's app and clients");
    return FALSE;
  }
  stage->app_id =
      g_strdup (json_object_get_string_member (json_array_get_object_element (apps, 0), "id"));
  stage->session_ids = g_new0 (gchar *, stage->n_clients + 1);
  for (guint i = 0; i < stage->n_clients; i++)
    stage->session_ids[i] = g_strdup (
        json_object_get_string_member (json_array_get_object_element (clients, i), "client_id"));
  return TRUE;
}

Stage *
stage_open (const StageOptions *options, const gchar *dir, guint n_clients, GError **error)
{
  Stage *stage = g_new0 (Stage, 1);
  g_autofree gchar *run = g_build_filename (dir, "run", NULL);
  g_autofree gchar *state = g_build_filename (dir, "state", NULL);
  g_autofree gchar *socket = g_build_filename (dir, "faults.sock", NULL);

  stage->options = options;
  stage->dir = g_strdup (dir);
  stage->n_clients = n_clients;
  g_mkdir_with_parents (run, 0700);
  g_mkdir_with_parents (state, 0755);
  if (!write_config (stage, error) || !bring_up (stage, error) || !learn_ids (stage, error))
    return NULL;
  stage->faults = wgf_client_connect (socket, STAGE_SOON_MS, error);
  return stage->faults ? stage : NULL;
}

gboolean
stage_is_alive (Stage *stage)
{
  if (stage->wolf != 0 && waitpid (stage->wolf, &stage->wait_status, WNOHANG) == stage->wolf)
    stage->wolf = 0;
  return stage->wolf != 0;
}

gboolean
stage_signal (Stage *stage, gint signal, gint64 within_ms, gdouble *took_ms)
{
  const gint64 begun = g_get_monotonic_time ();
  const gint64 until = begun + within_ms * G_TIME_SPAN_MILLISECOND;

  stage->told_to_end = TRUE;
  if (stage_is_alive (stage))
    kill (stage->wolf, signal);
  for (;;) {
    if (!stage_is_alive (stage)) {
      if (took_ms != NULL)
        *took_ms = (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND;
      return TRUE;
    }
    if (g_get_monotonic_time () >= until)
      return FALSE;
    stage_let_pass (5); /* SIGCHLD is the main loop's way, and there is none here */
  }
}

void
stage_close (Stage *stage)
{
  if (stage == NULL)
    return;
  if (stage->wolf != 0)
    stage_signal (stage, SIGKILL, STAGE_SOON_MS, NULL);
  stage_clear_network ();
  wgf_client_destroy (stage->faults);
  g_strfreev (stage->session_ids);
  g_free (stage->app_id);
  g_free (stage->dir);
  g_free (stage);
}

gchar *
stage_log (const Stage *stage)
{
  g_autofree gchar *path = path_in (stage, "wolf.log");
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* `wait` has a bound of its own; other orders are answered at once. */
static JsonObject *
order (Stage *stage, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *line =
      wgf_client_order (stage->faults, STAGE_PATIENCE_MS + STAGE_SOON_MS, &error, "%s", text);
  g_autoptr (JsonNode) node = line ? json_from_string (line, NULL) : NULL;

  if (node == NULL)
    return NULL;
  JsonObject *answer = json_node_dup_object (node);
  if (!json_object_get_boolean_member_with_default (answer, "ok", FALSE))
    g_error ("order \"%s\" was refused: %s", text, line);
  return answer;
}

JsonObject *
stage_order (Stage *stage, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  return order (stage, text);
}

gboolean
stage_order_reached (Stage *stage, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_autoptr (JsonObject) answer = order (stage, text);
  return answer != NULL && json_object_get_boolean_member_with_default (answer, "reached", FALSE);
}
