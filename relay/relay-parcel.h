/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-parcel.h: what an interpipesink hands over at once: one buffer, list or event for all who
 * listen.
 *
 * A parcel is one piece of memory, with an entry for each inbox that it may be put into; so handing
 * over to 256 consumers takes one allocation, and one reference to the buffer. Beside the buffer it
 * says all that a consumer may need to know of the producer at that moment: caps, segment, base time,
 * when it was handed over, and which of several nodes of a name was the newest (`epoch`).
 *
 * A parcel does not change once it is put. Each entry keeps it alive.
 */
#pragma once

#include "relay-object.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct RelayParcel RelayParcel;

typedef struct RelayEntry {
  struct RelayEntry *next; /* the inbox's */
  RelayParcel *parcel;
  gboolean discont; /* something before it was dropped */
  gpointer link;    /* a RelayLink, which the parcel's list keeps; NULL: put by the application */
} RelayEntry;

typedef enum {
  RELAY_DATA,   /* a buffer or a buffer list */
  RELAY_EVENT,  /* goes with what comes next */
  RELAY_PROMPT, /* an event that does not wait for what comes next */
  RELAY_EOS,    /* the end, for GstBaseSrc to send */
} RelayKind;

struct RelayParcel {
  RelayObject object;
  RelayKind kind;
  GstMiniObject *item; /* NULL for RELAY_EOS */
  GstCaps *caps;       /* NULL: none */
  GstEvent *segment;   /* NULL: the consumer's own */
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

/* CLOCK_MONOTONIC, in nanoseconds. */
gint64 relay_now (void);

/* @item: (transfer none)(nullable); @links: (transfer full)(nullable): one entry for each; NULL: one */
RelayParcel *relay_parcel_new (RelayKind kind, GstMiniObject *item, RelayList *links);
/* (transfer full): the buffer or list itself where nobody else has the parcel, else a reference. */
GstMiniObject *relay_parcel_take_item (RelayParcel *parcel);

/* An event without which caps, segments and the end of the stream are still right: any but SEGMENT_DONE, as
 * caps and segments are in each parcel, and EOS is of its own kind. */
gboolean relay_parcel_is_dispensable (const RelayParcel *parcel);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayParcel, relay_unref)

G_END_DECLS
