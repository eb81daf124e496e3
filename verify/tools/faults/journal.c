/* SPDX-License-Identifier: MIT */
/*
 * journal.c: what happened to pipelines, told line by line into a file.
 *
 * A scenario that ends its server reads here afterwards whether each pipeline saw EOS before it
 * went down. Each line is one write() to a file opened for appending: whole, even when the process
 * ends.
 */
#include "wgfaults.h"

#include <fcntl.h>
#include <unistd.h>

static gint fd = -1;

void
wgf_journal_open (const gchar *path)
{
  fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0)
    g_printerr ("wgfaults: cannot write journal %s: %s\n", path, g_strerror (errno));
}

gboolean
wgf_journal_is_open (void)
{
  return fd >= 0;
}

static void
line (GstElement *element, const gchar *event, const gchar *detail)
{
  g_autoptr (GString) json = g_string_new (NULL);
  WgfIdentity identity;

  wgf_identify (element, &identity);
  g_string_append_printf (json,
      "{\"t_us\":%" G_GINT64_FORMAT ",\"event\":\"%s\",\"element\":", g_get_monotonic_time (),
      event);
  wgf_json_string (json, identity.name);
  g_string_append (json, ",\"pipeline\":");
  wgf_json_string (json, identity.pipeline);
  g_string_append (json, ",\"detail\":");
  wgf_json_string (json, detail);
  g_string_append (json, ",\"elements\":[");
  for (gchar **name = identity.siblings; name != NULL && *name != NULL; name++) {
    g_string_append (json, name == identity.siblings ? "" : ",");
    wgf_json_string (json, *name);
  }
  g_string_append (json, "]}\n");
  if (write (fd, json->str, json->len) < 0)
    g_printerr ("wgfaults: journal: %s\n", g_strerror (errno));
  wgf_identity_clear (&identity);
}

void
wgf_journal_message (GstElement *element, GstMessage *message)
{
  const GstMessageType type = GST_MESSAGE_TYPE (message);

  if (fd < 0 || (type != GST_MESSAGE_EOS && type != GST_MESSAGE_ERROR))
    return;
  if (type == GST_MESSAGE_EOS) {
    line (element, "eos", NULL);
    return;
  }
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  line (element, "error", error->message);
}

void
wgf_journal_state (GstElement *element, GstStateChange change, GstStateChangeReturn result)
{
  if (fd < 0 || !GST_IS_PIPELINE (element))
    return;
  line (element, result == GST_STATE_CHANGE_FAILURE ? "state-failed" : "state",
      gst_state_change_get_name (change));
}
