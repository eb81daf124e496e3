/* SPDX-License-Identifier: MIT */
/* wolf.c: a real Wolf: its configuration and its environment. */
#include "daemon.h"
#include "icons.h"
#include "runner-options.h"
#include "paths.h"
#include "runner.h"

#include <string.h>
#include <unistd.h>

/* What main() logs right before it registers the handlers of sessions and lobbies, its last step;
 * its ports have been open for a while by then. */
#define LAST_STEP "[PULSE_ROUTER]"

/* An app: a virtual compositor, which is the fake source, and no sound server. Encoders are the
 * cheapest there are: what is measured is not their speed. */
/* clang-format off */
#define APP(title, program) \
    "[[profiles.apps]]\n" \
    "title = '" title "'\n" \
    "start_virtual_compositor = true\n" \
    "start_audio_server = false\n" \
    "render_node = 'software'\n" \
    "[profiles.apps.runner]\n" \
    program \
    "[profiles.apps.video]\n" \
    "source = 'interpipesrc name=interpipesrc_{session_id}_video listen-to={session_id}_video " \
    "is-live=true stream-sync=restart-ts max-bytes=0 max-buffers=1 leaky-type=downstream'\n" \
    "video_params = 'videoconvertscale ! video/x-raw, width={width}, height={height}, " \
    "format=I420'\n" \
    "h264_encoder = 'x264enc tune=zerolatency speed-preset=ultrafast threads=1 bitrate={bitrate} " \
    "key-int-max=30 ! video/x-h264, profile=baseline, stream-format=byte-stream'\n" \
    "sink = 'queue ! rtpmoonlightpay_video name=moonlight_pay payload_size={payload_size} " \
    "fec_percentage={fec_percentage} min_required_fec_packets={min_required_fec_packets} ! " \
    "appsink sync=false max-buffers=1 drop=true name=wolf_udp_sink'\n" \
    "[profiles.apps.audio]\n" \
    "source = 'audiotestsrc is-live=true name=audio_tone_{session_id}'\n" \
    "audio_params = 'audio/x-raw, channels={channels} ! audioconvert'\n" \
    "opus_encoder = 'opusenc bitrate={bitrate} bitrate-type=cbr frame-size={packet_duration} " \
    "bandwidth=fullband audio-type=restricted-lowdelay max-payload-size=1400'\n" \
    "sink = 'queue ! rtpmoonlightpay_audio name=moonlight_pay packet_duration={packet_duration} " \
    "encrypt={encrypt} aes_key=\"{aes_key}\" aes_iv=\"{aes_iv}\" ! appsink name=wolf_udp_sink'\n"
/* clang-format on */

/* The second one runs in a container (daemon.h). */
static const gchar *const apps =
    "[[profiles]]\n"
    "id = 'moonlight-profile-id'\n" APP ("Process", "type = 'process'\nrun_cmd = 'sleep 1000'\n")
        APP ("Container",
            "type = 'docker'\nname = 'program'\nimage = 'fake'\nmounts = "
            "[]\nenv = []\n"
            "devices = []\nports = []\nbase_create_json = "
            "'{\"HostConfig\":{}}'\n") "[gstreamer.video]\n"
                                       "default_source = 'interpipesrc "
                                       "name=interpipesrc_{}_video "
                                       "listen-to={session_id}_video'\n"
                                       "default_sink = 'appsink "
                                       "name=wolf_udp_sink'\n"
                                       "[[gstreamer.video.h264_encoders]]"
                                       "\n"
                                       "plugin_name = 'x264'\n"
                                       "check_elements = ['x264enc']\n"
                                       "encoder_pipeline = 'x264enc'\n"
                                       "[gstreamer.audio]\n"
                                       "default_source = 'interpipesrc "
                                       "name=interpipesrc_{}_audio "
                                       "listen-to={session_id}_audio'\n"
                                       "default_audio_params = "
                                       "'audioconvert'\n"
                                       "default_opus_encoder = 'opusenc'\n"
                                       "default_sink = 'appsink "
                                       "name=wolf_udp_sink'\n";

/* An app that is not run: its name, the port of its icon and its path there. */
static const gchar icon_app[] = "[[profiles.apps]]\n"
                                "title = '%s'\n"
                                "icon_png_path = 'http://127.0.0.1:%u/%s'\n"
                                "[profiles.apps.runner]\n"
                                "type = 'process'\nrun_cmd = 'true'\n";

static gboolean
prepare (const Runner *runner, GError **error)
{
  g_autofree gchar *path = runner_path (runner, "config.toml");
  g_autoptr (GString) text = g_string_new ("hostname = 'Stage'\n"
                                           "uuid = '00000000-0000-4000-8000-000000000001'\n"
                                           "config_version = 7\n");

  for (guint i = 0; i < runner->n_clients; i++) {
    g_autofree gchar *file = runner_client_file (runner->options, i, "client.crt");
    g_autofree gchar *cert = NULL;
    if (!g_file_get_contents (file, &cert, NULL, error))
      return FALSE;
    g_string_append_printf (text,
        "[[paired_clients]]\nclient_cert = '''%s'''\napp_state_folder = 'client%u'\n"
        "[paired_clients.settings]\nrun_uid = %u\nrun_gid = %u\n",
        cert, i, getuid (), getgid ());
  }
  g_string_append (text, apps);
  for (guint i = 0; icons_port () != 0 && icon_names[i] != NULL; i++)
    g_string_append_printf (text, icon_app, icon_names[i], icons_port (), icon_names[i]);
  return g_file_set_contents (path, text->str, -1, error);
}

static gchar **
arguments (const Runner *runner)
{
  const gchar *const argv[] = { runner->options->binary, NULL };

  return g_strdupv ((gchar **) argv);
}

static gchar **
environment (const Runner *runner, gchar **env)
{
  const RunnerOptions *options = runner->options;
  const struct {
    const gchar *name, *file;
  } files[] = { { "WOLF_CFG_FILE", "config.toml" }, { "WOLF_SOCKET_PATH", "wolf.sock" },
    { "XDG_RUNTIME_DIR", "run" }, { "HOST_APPS_STATE_FOLDER", "state" },
    { "WOLF_DOCKER_SOCKET", DAEMON_SOCKET }, { "PULSE_SERVER", SOUND_SOCKET } };
  const struct {
    const gchar *name, *value;
  } values[] = { { "WOLF_INTERNAL_IP", "127.0.0.1" }, { "WOLF_INTERNAL_MAC", "02:00:00:00:00:01" },
    { "WOLF_LOG_LEVEL", "DEBUG" }, { "WOLF_SKIP_WAYLAND_SOCKET_WAIT", "TRUE" },
    { "WOLF_RENDER_NODE", "software" }, { "WOLF_USE_ZERO_COPY", "FALSE" } };
  /* The first Wolf of a run makes them, which takes seconds; the others have the same. */
  g_autofree gchar *key = g_build_filename (options->scratch, "wolf-key.pem", NULL);
  g_autofree gchar *cert = g_build_filename (options->scratch, "wolf-cert.pem", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = runner_path (runner, files[i].file);
    env = g_environ_setenv (env, files[i].name, path, TRUE);
  }
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    env = g_environ_setenv (env, values[i].name, values[i].value, TRUE);
  env = g_environ_setenv (env, "WOLF_PRIVATE_KEY_FILE", key, TRUE);
  return g_environ_setenv (env, "WOLF_PRIVATE_CERT_FILE", cert, TRUE);
}

static gboolean
is_up (Runner *runner)
{
  g_autofree gchar *log = runner_log (runner);

  runner->ports = (ServerPorts){
    .http = 47989,
    .https = 47984,
    .rtsp = 48010,
    .video = 48100,
    .audio = 48200,
  };
  return log != NULL && strstr (log, LAST_STEP) != NULL;
}

const Server server_wolf = {
  .name = "Wolf",
  .target = "real",
  .subject = "wolf",
  .encoder = "factory=x264enc",
  .abilities = SERVER_LOBBIES | SERVER_CONTROL | SERVER_SOUND | SERVER_SETTINGS,
  .dying_ms = 300, /* it writes a stack trace, which takes 10 to 30 */
  .own_network = TRUE,
  .prepare = prepare,
  .arguments = arguments,
  .environment = environment,
  .is_up = is_up,
};
