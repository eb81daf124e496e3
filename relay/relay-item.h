/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-item.h: what an interpipesink hands over at once: a buffer, a list or an event.
 *
 * One item serves all consumers. It is one piece of memory with an entry for each inbox. A
 * hand-over to 256 consumers takes one allocation and one reference to the buffer. An item
 * carries, besides the buffer, what a consumer needs to know of the producer at that moment:
 * - caps, segment and base time;
 * - the time of the hand-over;
 * - the epoch, which tells the newest of several nodes of a name from older ones.
 *
 * An item does not change once an entry of it is put. Each entry keeps it alive.
 */
#pragma once

#include "relay-object.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct RelayItem RelayItem;

typedef struct RelayEntry {
  struct RelayEntry *next; /* the inbox's */
  RelayItem *item;
  guint64 number; /* the inbox's; 0: none yet */
  gpointer link;  /* a RelayLink, which the item's list keeps; NULL: put by the application */
} RelayEntry;

typedef enum {
  RELAY_DATA,   /* a buffer or a buffer list */
  RELAY_EVENT,  /* goes with what comes next */
  RELAY_PROMPT, /* an event that does not wait for what comes next */
  RELAY_EOS,    /* the end, for GstBaseSrc to send */
} RelayKind;

struct RelayItem {
  RelayObject object;
  RelayKind kind;
  GstMiniObject *content; /* NULL for RELAY_EOS */
  GstCaps *caps;          /* NULL: none */
  GstEvent *segment;      /* NULL: the consumer's own */
  GstClockTime base_time;
  gint64 at; /* relay_now() */
  guint64 epoch;
  RelayList *links;
  /* of data, for limits */
  guint64 bytes;
  guint buffers;
  GstClockTime time, end; /* NONE: not known */
  guint n_entries;
  RelayEntry entries[];
};

/* @content: (transfer none)(nullable)
 * @links: (transfer full)(nullable): one entry for each link; NULL: one entry */
RelayItem *relay_item_new (RelayKind kind, GstMiniObject *content, RelayList *links);
/* Returns: (transfer full): the buffer or list; a reference if others have the item, too */
GstMiniObject *relay_item_take_content (RelayItem *item);

/* Caps, segments and the end of the stream stay right without such an event. That is so for all but
 * SEGMENT_DONE: caps and segments are in each item, and EOS has a kind of its own. */
gboolean relay_item_is_dispensable (const RelayItem *item);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayItem, relay_unref)

G_END_DECLS
