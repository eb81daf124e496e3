/* SPDX-License-Identifier: MIT */
#include "malformed-session.h"

#include "deadline.h"
#include "session.h"

#include <poll.h>

#define HUGE_NUMBER "999999999999999999999999999999"
#define ENCRYPTED "x-nv-general.featureFlags:167" /* only then is the key's id read */
#define SETTLE_MS 20 /* how often it is looked whether sound has come, too */

/* What a session says instead of what it should; NULL: as it should. */
static const struct {
  const char *name, *key, *key_id, *attribute;
} sessions[] = {
  { "key-id-of-words", NULL, "many", ENCRYPTED },
  { "empty-key-id", NULL, "", NULL },
  { "huge-key-id", NULL, HUGE_NUMBER, ENCRYPTED },
  { "short-key", "00", NULL, NULL },
  { "empty-key", "", NULL, NULL },
  { "attribute-of-nothing", NULL, NULL, "" },
  { "attribute-without-colon", NULL, NULL, "x-nv-video" },
  { "width-of-words", NULL, NULL, "x-nv-video[0].clientViewportWd:many" },
  { "empty-width", NULL, NULL, "x-nv-video[0].clientViewportWd:" },
  { "huge-width", NULL, NULL, "x-nv-video[0].clientViewportWd:" HUGE_NUMBER },
  { "no-frames", NULL, NULL, "x-nv-video[0].maxFPS:0" },
  { "packets-of-nothing", NULL, NULL, "x-nv-video[0].packetSize:0" },
  { "packets-of-headers", NULL, NULL, "x-nv-video[0].packetSize:16" },
  { "huge-packets", NULL, NULL, "x-nv-video[0].packetSize:2147483647" },
  { "huge-redundancy", NULL, NULL, "x-nv-vqos[0].fec.minRequiredFecPackets:100000" },
};

guint
probe_malformed_session_count (void)
{
  return G_N_ELEMENTS (sessions);
}

const char *
probe_malformed_session_name (guint index)
{
  return sessions[index].name;
}

/* How a step ended. Takes its report. */
static ProbeMalformedEnd
end_of (const ProbeTarget *target, JsonObject *report, gboolean *ok, char **line)
{
  const char *name = json_object_get_string_member (report, "event");
  const char *phase = json_object_get_string_member_with_default (report, "phase", "");
  const gint64 status = json_object_get_int_member_with_default (report, "status", 0);
  const double us = json_object_get_double_member (report, "ms") * G_TIME_SPAN_MILLISECOND;
  const ProbeMalformedEnd end = status != 0     ? PROBE_MALFORMED_ANSWERED
      : g_str_equal (phase, "connect")          ? PROBE_MALFORMED_NOWHERE
      : us >= (double) target->timeout_us * 0.9 ? PROBE_MALFORMED_SILENT
                                                : PROBE_MALFORMED_CLOSED;

  *ok = json_object_get_boolean_member (report, "ok");
  g_free (*line);
  *line = g_strdup_printf ("%s %" G_GINT64_FORMAT, name, status);
  json_object_unref (report);
  return end;
}

static gboolean
has_sound (ProbeSession *session)
{
  g_autoptr (JsonObject) report = probe_session_packets (session);

  return json_object_get_int_member (report, "audio_total") > 0;
}

/* Until both streams have begun, as far as they do. */
static void
stream (const ProbeTarget *target, ProbeSession *session)
{
  const gint64 deadline = probe_deadline_in (target->timeout_us);
  g_autoptr (JsonObject) pinged G_GNUC_UNUSED = probe_session_ping (session);

  while (!has_sound (session) && !probe_deadline_passed (deadline))
    poll (NULL, 0, SETTLE_MS);
}

ProbeMalformedEnd
probe_malformed_session_send (const ProbeMalformed *to, guint index, char **first_line)
{
  const ProbeSessionSettings settings = { .app = to->app ? to->app : "1",
    .width = 320,
    .height = 180,
    .fps = 15,
    .key = sessions[index].key,
    .key_id = sessions[index].key_id,
    .attribute = sessions[index].attribute };
  g_autoptr (ProbeSession) session = probe_session_new (to->target, to->client, &settings);
  gboolean ok;

  *first_line = NULL;
  ProbeMalformedEnd end =
      end_of (to->target, probe_session_launch (session, FALSE), &ok, first_line);
  if (!ok)
    return end;
  g_autoptr (JsonObject) setup G_GNUC_UNUSED = probe_session_setup (session);
  end = end_of (to->target, probe_session_announce (session), &ok, first_line);
  if (ok)
    stream (to->target, session);
  g_autoptr (JsonObject) cancelled G_GNUC_UNUSED = probe_session_cancel (session);
  return end;
}
