/* SPDX-License-Identifier: MIT */
/* input.c: packet in, event out. */
#include "input.h"

#include <string.h>
#include <wolf-guard/pipeline.h>

/* A packet: its kind and length (4 bytes), its data's length (4, big-endian), its type (4,
 * little-endian), then for a relative move two deltas (2 each, big-endian). */
#define HEADER 12
#define TYPE_AT 8
#define TYPE_MOUSE_MOVE_RELATIVE 7
#define MOVE_SIZE (HEADER + 4)
#define PACKET_MAX 64

static gsize
parse_hex (const gchar *text, guint8 *bytes)
{
  const gsize digits = text ? strlen (text) : 0;

  if (digits % 2 != 0 || digits / 2 > PACKET_MAX)
    return 0;
  for (gsize i = 0; i < digits; i += 2) {
    if (!g_ascii_isxdigit (text[i]) || !g_ascii_isxdigit (text[i + 1]))
      return 0;
    bytes[i / 2] =
        (guint8) (16 * g_ascii_xdigit_value (text[i]) + g_ascii_xdigit_value (text[i + 1]));
  }
  return digits / 2;
}

static gdouble
delta_at (const guint8 *bytes)
{
  return (gint16) (bytes[0] << 8 | bytes[1]);
}

static void
send (const Lab *lab, GstElement *display, GstStructure *what)
{
  GstEvent *event = gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, what);

  if (lab->options.pad_input)
    wg_pipeline_send_upstream (display, event);
  else
    gst_element_send_event (display, event);
}

gboolean
lab_input_take (const Lab *lab, LabSession *session, const gchar *packet)
{
  guint8 bytes[PACKET_MAX];
  const gsize size = parse_hex (packet, bytes);

  if (size < HEADER)
    return FALSE;
  if (bytes[TYPE_AT] != TYPE_MOUSE_MOVE_RELATIVE || size < MOVE_SIZE)
    return TRUE; /* no such device */
  GstElement *display = lab_session_get_display (session);
  if (display == NULL)
    return TRUE; /* not up yet */
  send (lab, display,
      gst_structure_new ("MouseMoveRelative", "pointer_x", G_TYPE_DOUBLE, delta_at (bytes + HEADER),
          "pointer_y", G_TYPE_DOUBLE, delta_at (bytes + HEADER + 2), NULL));
  gst_object_unref (display);
  return TRUE;
}
