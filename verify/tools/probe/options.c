/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdarg.h>
#include <string.h>

#define DEFAULT_TIMEOUT 5.0 /* as long as Wolf itself gives a client for its handshake */
#define TIMEOUT_MAX 600.0

void
probe_options_init (ProbeOptions *options)
{
  memset (options, 0, sizeof *options);
  options->http_port = 47989;
  options->https_port = 47984;
  options->rtsp_port = 48010;
  options->video_port = 48100;
  options->audio_port = 48200;
  options->control_port = 47999;
  options->timeout = DEFAULT_TIMEOUT;
}

void
probe_options_clear (ProbeOptions *options)
{
  g_free (options->host);
  g_free (options->api_path);
  g_free (options->cert_path);
  g_free (options->key_path);
  memset (options, 0, sizeof *options);
}

int
probe_usage_error (const char *command, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_printerr (
      "wolf-probe %s: %s\nwolf-probe %s -h shows the options.\n", command, message, command);
  return PROBE_EXIT_USAGE;
}

static gboolean
check_port (const char *command, const char *name, int port)
{
  if (port >= 1 && port <= 65535)
    return TRUE;
  probe_usage_error (command, "--%s %d is no port (1 to 65535)", name, port);
  return FALSE;
}

static gboolean
check (const ProbeOptions *options, const char *command)
{
  struct sockaddr_storage *address = g_alloca (256); /* larger than any socket address */
  g_autoptr (GError) error = NULL;
  guint length;

  if (!probe_address_parse (options->host, 1, address, &length, &error)) {
    probe_usage_error (command, "--host: %s", error->message);
    return FALSE;
  }
  if ((options->cert_path == NULL) != (options->key_path == NULL)) {
    probe_usage_error (command, "--cert and --key go together (wolf-probe cert makes both)");
    return FALSE;
  }
  if (!(options->timeout > 0 && options->timeout <= TIMEOUT_MAX)) {
    probe_usage_error (command, "--timeout must be above 0 and at most %g seconds", TIMEOUT_MAX);
    return FALSE;
  }
  return check_port (command, "http-port", options->http_port)
      && check_port (command, "https-port", options->https_port)
      && check_port (command, "rtsp-port", options->rtsp_port)
      && check_port (command, "video-port", options->video_port)
      && check_port (command, "audio-port", options->audio_port)
      && check_port (command, "control-port", options->control_port);
}

gboolean
probe_options_parse (ProbeOptions *options, const char *command, const char *summary,
    const char *description, const GOptionEntry *own, int *argc, char ***argv)
{
  const GOptionEntry common[] = {
    { "host", 0, 0, G_OPTION_ARG_STRING, &options->host,
        "Server's address, or localhost (127.0.0.1)", "ADDRESS" },
    { "http-port", 0, 0, G_OPTION_ARG_INT, &options->http_port, "HTTP (47989)", "PORT" },
    { "https-port", 0, 0, G_OPTION_ARG_INT, &options->https_port, "HTTPS (47984)", "PORT" },
    { "rtsp-port", 0, 0, G_OPTION_ARG_INT, &options->rtsp_port, "RTSP (48010)", "PORT" },
    { "video-port", 0, 0, G_OPTION_ARG_INT, &options->video_port,
        "Video pings, if SETUP does not say (48100/udp)", "PORT" },
    { "audio-port", 0, 0, G_OPTION_ARG_INT, &options->audio_port,
        "Audio pings, if SETUP does not say (48200/udp)", "PORT" },
    { "control-port", 0, 0, G_OPTION_ARG_INT, &options->control_port,
        "Control, if SETUP does not say (47999/udp)", "PORT" },
    { "api", 0, 0, G_OPTION_ARG_FILENAME, &options->api_path, "Wolf's API, a unix socket", "PATH" },
    { "cert", 0, 0, G_OPTION_ARG_FILENAME, &options->cert_path, "Client certificate, PEM", "FILE" },
    { "key", 0, 0, G_OPTION_ARG_FILENAME, &options->key_path, "Its key, PEM", "FILE" },
    { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &options->timeout, "For each exchange as a whole (5)",
        "SECONDS" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->json, "JSON lines instead of text", NULL },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };
  g_autofree char *parameters = g_strdup_printf ("- %s", summary);
  g_autofree char *program = g_strdup_printf ("wolf-probe %s", command);
  g_autoptr (GOptionContext) context = g_option_context_new (parameters);
  g_autoptr (GError) error = NULL;

  g_set_prgname (program);
  if (own != NULL)
    g_option_context_add_main_entries (context, own, NULL);
  g_option_context_add_main_entries (context, common, NULL);
  g_option_context_set_description (context, description);
  if (!g_option_context_parse (context, argc, argv, &error)) {
    probe_usage_error (command, "%s", error->message);
    return FALSE;
  }
  if (*argc > 1) {
    probe_usage_error (command, "unexpected argument '%s'", (*argv)[1]);
    return FALSE;
  }
  if (options->host == NULL || strcmp (options->host, "localhost") == 0) {
    g_free (options->host);
    options->host = g_strdup ("127.0.0.1");
  }
  return check (options, command);
}

void
probe_options_get_target (const ProbeOptions *options, ProbeTarget *target)
{
  *target = (ProbeTarget){
    .host = options->host,
    .http_port = (guint16) options->http_port,
    .https_port = (guint16) options->https_port,
    .rtsp_port = (guint16) options->rtsp_port,
    .video_port = (guint16) options->video_port,
    .audio_port = (guint16) options->audio_port,
    .control_port = (guint16) options->control_port,
    .api_path = options->api_path,
    .timeout_us = (gint64) (options->timeout * (double) G_USEC_PER_SEC),
  };
}

ProbeTls *
probe_options_get_client (const ProbeOptions *options, GError **error)
{
  if (options->cert_path == NULL)
    return NULL;
  return probe_tls_new_from_files (options->cert_path, options->key_path, error);
}
