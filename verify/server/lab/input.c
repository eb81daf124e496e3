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
#define TYPE_BUTTON_PRESS 8
#define TYPE_BUTTON_RELEASE 9
#define MOVE_SIZE (HEADER + 4)
#define BUTTON_SIZE (HEADER + 1)
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
send (const Lab *lab, GstElement *display, GstStructure *what, WgEventKind kind)
{
  GstEvent *event = gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, what);

  if (lab->options.pad_input)
    wg_pipeline_send_upstream_as (display, event, kind);
  else
    gst_element_send_event (display, event);
}

static void
send_move (const Lab *lab, GstElement *display, const guint8 *deltas)
{
  send (lab, display,
      gst_structure_new ("MouseMoveRelative", "pointer_x", G_TYPE_DOUBLE, delta_at (deltas),
          "pointer_y", G_TYPE_DOUBLE, delta_at (deltas + 2), NULL),
      WG_EVENT_SUM);
}

static void
send_button (const Lab *lab, GstElement *display, guint button, gboolean pressed)
{
  send (lab, display,
      gst_structure_new (
          "MouseButton", "button", G_TYPE_UINT, button, "pressed", G_TYPE_BOOLEAN, pressed, NULL),
      pressed ? WG_EVENT_ORDINARY : WG_EVENT_VITAL);
}

gboolean
lab_input_take (const Lab *lab, LabSession *session, const gchar *packet)
{
  guint8 bytes[PACKET_MAX];
  const gsize size = parse_hex (packet, bytes);

  if (size < HEADER)
    return FALSE;
  const guint8 type = bytes[TYPE_AT];
  GstElement *display = lab_session_get_display (session);
  if (display == NULL)
    return TRUE; /* not up yet */
  if (type == TYPE_MOUSE_MOVE_RELATIVE && size >= MOVE_SIZE)
    send_move (lab, display, bytes + HEADER);
  else if ((type == TYPE_BUTTON_PRESS || type == TYPE_BUTTON_RELEASE) && size >= BUTTON_SIZE)
    send_button (lab, display, bytes[HEADER], type == TYPE_BUTTON_PRESS);
  gst_object_unref (display); /* there is no other device */
  return TRUE;
}
