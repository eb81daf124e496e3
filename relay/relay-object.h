/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-object.h: counted references, and places from which they are read without waiting.
 *
 * Everything that two threads share here begins with a RelayObject. A RelaySlot is a place for one
 * such object or none.
 * - relay_slot_get() takes a reference to what is there in one atomic addition.
 * - relay_slot_cas() puts another object there if the slot still holds what the caller has seen.
 *
 * Neither waits for anybody. A thread that stalls or ends between any two instructions leaves the
 * slot with the old object or with the new one. At worst an object has one reference too many, and
 * is not freed.
 *
 * How. The word of a slot is an address in its lower 48 bits. Above it the word counts the
 * references that were taken from the slot since the object came there. A thread that replaces the
 * object takes both in the same exchange, and adds that number to the object's own count. The own
 * count had RELAY_IN_SLOT too many for as long as the object was there. So no reader touches the
 * object before it has its reference. A pointer and a count side by side need a lock for that,
 * hazard pointers need a record for each thread, and epochs wait for the slowest reader.
 *
 * Threads: all functions, from any. The thread that gives the last reference back frees the object.
 */
#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

typedef struct {
  atomic_llong refs;
  GDestroyNotify free;
} RelayObject;

typedef struct {
  _Atomic guint64 word;
  _Atomic (gpointer) address; /* for leak checkers only: they do not find it in the word */
} RelaySlot;

/* One reference, the caller's. */
void relay_object_init (gpointer object, GDestroyNotify free);
gpointer relay_ref (gpointer object);
/* Accepts NULL. */
void relay_unref (gpointer object);
/* Whether the caller has the only reference. */
gboolean relay_is_only (gpointer object);

/* Whether addresses fit into slots here; the plugin refuses to load if not. */
gboolean relay_slot_is_usable (void);
/* Returns: (transfer full)(nullable) */
gpointer relay_slot_get (RelaySlot *slot);
/* @object: (transfer full)(nullable). Returns: (transfer full)(nullable): what was there */
gpointer relay_slot_swap (RelaySlot *slot, gpointer object);
/* @expected: (nullable): a reference that the caller holds, too
 * @object: (transfer full if TRUE is returned)(nullable) */
gboolean relay_slot_cas (RelaySlot *slot, gpointer expected, gpointer object);
/* To be compared, never to be followed. */
gconstpointer relay_slot_peek (RelaySlot *slot);

/* A list that never changes once it is in a slot. Its items are RelayObjects. */
typedef struct {
  RelayObject object;
  guint64 version; /* of all lists in one slot, each has a higher one than those before it */
  guint len;
  gpointer members[];
} RelayList;

typedef gboolean (*RelayIsLeftOut) (gpointer member, gconstpointer data);

/* @old: (nullable). Returns: (transfer full): a list without those items that @is_left_out says,
 * and with @added (nullable) at the end */
RelayList *relay_list_copy (
    RelayList *old, RelayIsLeftOut is_left_out, gconstpointer data, gpointer added);
/* Replaces the list in @slot by such a copy. Returns the new version. */
guint64 relay_list_change (
    RelaySlot *slot, RelayIsLeftOut is_left_out, gconstpointer data, gpointer added);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayList, relay_unref)

G_END_DECLS
