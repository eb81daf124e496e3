/* SPDX-License-Identifier: MIT */
#include "malformed-control.h"

#include "control.h"
#include "deadline.h"
#include "session.h"

#include <poll.h>
#include <string.h>

#define LONGEST_CUT 80
#define BIG_BYTES 60000
#define FLOOD 1000
#define INPUT_HEAD 12 /* type, length, size of data, type of input */
#define INPUT_LONGEST 48
#define LOOK_MS 20        /* how often the stream is looked at */
#define QUIET_MS 1000     /* no packet for that long: the stream pauses */
#define FLOWS_MS 3000     /* packets for that long after the message: it does not */
#define PATIENCE_MS 20000 /* for a stream that pauses, on a busy machine */

static const guint8 own_key[PROBE_CONTROL_KEY] = "wolf-probe's key";
static const guint8 other_key[PROBE_CONTROL_KEY] = "somebody else's.";
static const guint8 reason[] = { 0x80, 0x03, 0x00, 0x23 };

typedef void (*Build) (ProbeControl *control);

static GByteArray *
termination (const guint8 *key)
{
  return probe_control_packet (key, 1, PROBE_CONTROL_TERMINATION, reason, sizeof reason);
}

static void
send_array (ProbeControl *control, GByteArray *bytes, gsize size)
{
  probe_control_send (control, bytes->data, MIN (size, bytes->len));
  g_byte_array_unref (bytes);
}

static void
right_key (ProbeControl *control)
{
  send_array (control, termination (own_key), G_MAXSIZE);
}

static void
empty (ProbeControl *control)
{
  probe_control_send (control, "", 0);
}

static void
cut (ProbeControl *control, const guint8 *key)
{
  guint8 data[LONGEST_CUT] = { 0 };

  for (gsize size = 0; size <= LONGEST_CUT; size++)
    send_array (
        control, probe_control_packet (key, 1, PROBE_CONTROL_PING, data, sizeof data), size);
}

static void
cut_right_key (ProbeControl *control)
{
  cut (control, own_key);
}

static void
cut_other_key (ProbeControl *control)
{
  cut (control, other_key);
}

/* A packet of @size bytes whose header says @length. */
static void
claim (ProbeControl *control, guint16 length, gsize size)
{
  GByteArray *bytes = termination (other_key);

  length = GUINT16_TO_LE (length);
  memcpy (bytes->data + sizeof length, &length, sizeof length);
  send_array (control, bytes, size);
}

static void
small_lengths (ProbeControl *control)
{
  for (guint16 length = 0; length <= PROBE_CONTROL_HEADER; length++)
    claim (control, length, PROBE_CONTROL_HEADER);
}

static void
short_packets (ProbeControl *control)
{
  for (gsize size = 1; size < PROBE_CONTROL_HEADER; size++)
    claim (control, 0, size);
}

static void
big_lengths (ProbeControl *control)
{
  for (guint32 length = PROBE_CONTROL_HEADER; length < G_MAXUINT16; length *= 2)
    claim (control, (guint16) length, PROBE_CONTROL_HEADER);
  claim (control, G_MAXUINT16, PROBE_CONTROL_HEADER);
}

static void
wrong_tag (ProbeControl *control)
{
  GByteArray *bytes = termination (own_key);

  bytes->data[PROBE_CONTROL_HEADER - 1] ^= 1;
  send_array (control, bytes, G_MAXSIZE);
}

static void
no_tag (ProbeControl *control)
{
  GByteArray *bytes = termination (own_key);

  memset (bytes->data + 8, 0, PROBE_CONTROL_HEADER - 8);
  send_array (control, bytes, G_MAXSIZE);
}

static void
wrong_key (ProbeControl *control)
{
  send_array (control, termination (other_key), G_MAXSIZE);
}

static void
plain (ProbeControl *control)
{
  guint8 bytes[] = { 0x09, 0x01, 4, 0, 0x80, 0x03, 0x00, 0x23 };

  probe_control_send (control, bytes, sizeof bytes);
}

static void
junk (ProbeControl *control)
{
  g_autofree guint8 *bytes = g_malloc (BIG_BYTES);

  for (guint i = 0; i < BIG_BYTES; i++)
    bytes[i] = (guint8) (i * 31 + (i >> 8));
  for (gsize size = 1; size <= BIG_BYTES; size *= 2)
    probe_control_send (control, bytes, size);
  probe_control_send (control, bytes, BIG_BYTES);
}

static void
flood (ProbeControl *control)
{
  for (guint i = 0; i < FLOOD; i++)
    wrong_key (control);
}

static void
twice (ProbeControl *control)
{
  for (guint i = 0; i < 2; i++)
    send_array (control, probe_control_packet (own_key, 7, PROBE_CONTROL_PING, "", 1), G_MAXSIZE);
}

static void
short_plain (ProbeControl *control)
{
  for (gsize size = 0; size < 4; size++)
    send_array (control, probe_control_encrypt (own_key, 1, "\x06\x02\x00\x00", size), G_MAXSIZE);
}

static void
unknown_types (ProbeControl *control)
{
  for (guint32 type = 1; type <= G_MAXUINT16; type *= 3)
    send_array (control, probe_control_packet (own_key, 1, (guint16) type, reason, 4), G_MAXSIZE);
}

/* Input: @claimed is the size that it says, @size what there is. */
static void
input (ProbeControl *control, guint32 type, guint32 claimed, gsize size)
{
  guint8 bytes[INPUT_LONGEST] = { 0x06, 0x02 };

  bytes[2] = (guint8) (size - 4);
  claimed = GUINT32_TO_BE (claimed);
  type = GUINT32_TO_LE (type);
  memcpy (bytes + 4, &claimed, sizeof claimed);
  memcpy (bytes + 8, &type, sizeof type);
  send_array (control, probe_control_encrypt (own_key, 1, bytes, size), G_MAXSIZE);
}

static const guint32 input_types[] = { 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x17,
  0x55000001, 0x55000002, 0x55000003, 0x55000004, 0x55000005, 0x55000006, 0x55000007, 0x7fffffff };

static void
short_input (ProbeControl *control)
{
  for (guint i = 0; i < G_N_ELEMENTS (input_types); i++)
    for (gsize size = INPUT_HEAD; size <= INPUT_LONGEST; size += 4)
      input (control, input_types[i], (guint32) size - 8, size);
}

static void
claimed_input (ProbeControl *control)
{
  static const guint32 sizes[] = { 0, 1, 4, 5, 36, 37, 255, G_MAXINT32, G_MAXUINT32 };

  for (guint i = 0; i < G_N_ELEMENTS (input_types); i++)
    for (guint j = 0; j < G_N_ELEMENTS (sizes); j++)
      input (control, input_types[i], sizes[j], INPUT_LONGEST);
}

static void
many_controllers (ProbeControl *control)
{
  for (guint16 number = 1; number < G_MAXUINT16 / 2; number *= 2) {
    guint8 bytes[INPUT_LONGEST] = { 0x06, 0x02, INPUT_LONGEST - 4, 0, 0, 0, 0, 34, 0x0c };

    bytes[INPUT_HEAD] = 0x1a;
    bytes[INPUT_HEAD + 2] = (guint8) (number - 1);
    bytes[INPUT_HEAD + 3] = (guint8) ((number - 1) >> 8);
    bytes[INPUT_HEAD + 4] = 0xff;
    send_array (control, probe_control_encrypt (own_key, 1, bytes, sizeof bytes), G_MAXSIZE);
  }
}

/* A number is a place in this list, so that new ones go to its end. */
static const struct {
  const char *name;
  ProbeMalformedClass class;
  Build build;
  gboolean asks; /* the server to pause the session */
} messages[] = {
  { "right-key", PROBE_MALFORMED_CLIENT, right_key, TRUE },
  { "wrong-key", PROBE_MALFORMED_ADDRESS, wrong_key, TRUE },
  { "wrong-tag", PROBE_MALFORMED_ADDRESS, wrong_tag, TRUE },
  { "no-tag", PROBE_MALFORMED_ADDRESS, no_tag, TRUE },
  { "plain", PROBE_MALFORMED_ADDRESS, plain, TRUE },
  { "empty", PROBE_MALFORMED_ADDRESS, empty, FALSE },
  { "short-packets", PROBE_MALFORMED_ADDRESS, short_packets, FALSE },
  { "small-lengths", PROBE_MALFORMED_ADDRESS, small_lengths, FALSE },
  { "big-lengths", PROBE_MALFORMED_ADDRESS, big_lengths, FALSE },
  { "cut-wrong-key", PROBE_MALFORMED_ADDRESS, cut_other_key, FALSE },
  { "junk", PROBE_MALFORMED_ADDRESS, junk, FALSE },
  { "flood", PROBE_MALFORMED_ADDRESS, flood, FALSE },
  { "cut", PROBE_MALFORMED_CLIENT, cut_right_key, FALSE },
  { "twice", PROBE_MALFORMED_CLIENT, twice, FALSE },
  { "short-plain", PROBE_MALFORMED_CLIENT, short_plain, FALSE },
  { "unknown-types", PROBE_MALFORMED_CLIENT, unknown_types, FALSE },
  { "short-input", PROBE_MALFORMED_CLIENT, short_input, FALSE },
  { "claimed-input", PROBE_MALFORMED_CLIENT, claimed_input, FALSE },
  { "many-controllers", PROBE_MALFORMED_CLIENT, many_controllers, FALSE },
};

guint
probe_malformed_control_count (void)
{
  return G_N_ELEMENTS (messages);
}

const char *
probe_malformed_control_name (guint index)
{
  return messages[index].name;
}

ProbeMalformedClass
probe_malformed_control_class (guint index)
{
  return messages[index].class;
}

static gint64
packets (ProbeSession *session)
{
  g_autoptr (JsonObject) report = probe_session_packets (session);

  return json_object_get_int_member (report, "video_total");
}

/* Whether the stream pauses. The right key has long to show it; the others are asked to go on. */
static gboolean
pauses (ProbeSession *session, gboolean should)
{
  const gint64 start = g_get_monotonic_time ();
  gint64 seen = packets (session), since = start;

  for (;;) {
    const gint64 now = g_get_monotonic_time (), count = packets (session);
    const gint64 quiet = (now - since) / PROBE_US_PER_MS, all = (now - start) / PROBE_US_PER_MS;
    if (count > seen) {
      seen = count;
      since = now;
      if (all > (should ? PATIENCE_MS : FLOWS_MS))
        return FALSE;
    } else if (quiet > (should ? QUIET_MS : PATIENCE_MS / 2)) {
      return TRUE;
    }
    poll (NULL, 0, LOOK_MS);
  }
}

static char *
hex (const guint8 *bytes, gsize size)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

/* Takes the report. */
static gboolean
step (JsonObject *report)
{
  const gboolean ok = json_object_get_boolean_member (report, "ok");

  json_object_unref (report);
  return ok;
}

/* Of a session that streams. */
static ProbeMalformedEnd
send_message (
    const ProbeTarget *target, ProbeSession *session, guint index, ProbeMalformedAnswer *answer)
{
  static const ProbeMalformedEnd ends[] = { [PROBE_CONTROL_SERVED] = PROBE_MALFORMED_ANSWERED,
    [PROBE_CONTROL_CLOSED] = PROBE_MALFORMED_CLOSED,
    [PROBE_CONTROL_SILENT] = PROBE_MALFORMED_SILENT };
  g_autoptr (GByteArray) ping = probe_control_packet (own_key, 2, PROBE_CONTROL_PING, reason, 4);
  guint32 data;
  const guint16 port = probe_session_control_port (session, &data);
  g_autoptr (ProbeControl) control =
      probe_control_new (target->host, port, data, probe_deadline_in (target->timeout_us));

  if (control == NULL)
    return PROBE_MALFORMED_NOWHERE;
  messages[index].build (control);
  const ProbeMalformedEnd end =
      ends[probe_control_finish (control, ping, probe_deadline_in (target->timeout_us))];
  answer->asked = messages[index].asks && end == PROBE_MALFORMED_ANSWERED;
  if (answer->asked)
    answer->accepted = pauses (session, messages[index].class == PROBE_MALFORMED_CLIENT);
  return end;
}

ProbeMalformedEnd
probe_malformed_control_send (const ProbeMalformed *to, guint index, ProbeMalformedAnswer *answer)
{
  g_autofree char *key = hex (own_key, sizeof own_key);
  const ProbeSessionSettings settings = {
    .app = to->app ? to->app : "1", .width = 320, .height = 180, .fps = 15, .key = key
  };
  g_autoptr (ProbeSession) session = probe_session_new (to->target, to->client, &settings);
  ProbeMalformedEnd end = PROBE_MALFORMED_NOWHERE;

  if (step (probe_session_launch (session, FALSE)) && step (probe_session_setup (session))
      && step (probe_session_announce (session)) && step (probe_session_ping (session)))
    end = send_message (to->target, session, index, answer);
  if (probe_session_is_launched (session))
    step (probe_session_cancel (session));
  return end;
}
