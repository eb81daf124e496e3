/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-object.h"

/* More than readers can have taken from one slot and given back: 2^16. */
#define RELAY_IN_SLOT (1 << 20)

#define ADDRESS_BITS 48
#define ONE_TAKEN (G_GUINT64_CONSTANT (1) << ADDRESS_BITS)
#define ADDRESS_MASK (ONE_TAKEN - 1)
/* From here on the number is moved into the object, so that it never gets near 2^16. */
#define FOLD_AT 4096
#define FOLD_TRIES 8

static RelayObject *
address_of (guint64 word)
{
  return (RelayObject *) (guintptr) (word & ADDRESS_MASK);
}

static gint64
taken_of (guint64 word)
{
  return (gint64) (word >> ADDRESS_BITS);
}

gboolean
relay_slot_is_usable (void)
{
  g_autofree gpointer here = g_malloc (1);
  gint there;

  return (((guint64) (guintptr) here | (guint64) (guintptr) &there) & ~ADDRESS_MASK) == 0;
}

void
relay_object_init (gpointer object, GDestroyNotify free_it)
{
  RelayObject *self = object;

  atomic_init (&self->refs, 1);
  self->free = free_it;
}

static void
add_refs (RelayObject *self, gint64 refs)
{
  if (atomic_fetch_add (&self->refs, refs) + refs == 0)
    self->free (self);
}

gpointer
relay_ref (gpointer object)
{
  atomic_fetch_add_explicit (&((RelayObject *) object)->refs, 1, memory_order_relaxed);
  return object;
}

void
relay_unref (gpointer object)
{
  if (object != NULL)
    add_refs (object, -1);
}

gboolean
relay_is_only (gpointer object)
{
  return atomic_load (&((RelayObject *) object)->refs) == 1;
}

/* The caller has a reference. */
static void
fold (RelaySlot *slot, RelayObject *object)
{
  for (gint i = 0; i < FOLD_TRIES; i++) {
    guint64 word = atomic_load (&slot->word);
    const gint64 taken = taken_of (word);

    if (address_of (word) != object || taken < FOLD_AT)
      return;
    add_refs (object, taken);
    if (atomic_compare_exchange_strong (&slot->word, &word, word & ADDRESS_MASK))
      return;
    add_refs (object, -taken);
  }
}

gpointer
relay_slot_get (RelaySlot *slot)
{
  guint64 word = atomic_load (&slot->word);

  if (address_of (word) == NULL)
    return NULL;
  word = atomic_fetch_add (&slot->word, ONE_TAKEN);
  /* What was taken from an empty slot counts for nothing. */
  if (address_of (word) != NULL && taken_of (word) + 1 >= FOLD_AT)
    fold (slot, address_of (word));
  return address_of (word);
}

gpointer
relay_slot_swap (RelaySlot *slot, gpointer object)
{
  if (object != NULL)
    add_refs (object, RELAY_IN_SLOT - 1);
  const guint64 before = atomic_exchange (&slot->word, (guint64) (guintptr) object);
  atomic_store_explicit (&slot->address, object, memory_order_relaxed);
  RelayObject *old = address_of (before);
  if (old != NULL)
    add_refs (old, taken_of (before) - RELAY_IN_SLOT + 1);
  return old;
}

gboolean
relay_slot_cas (RelaySlot *slot, gpointer expected, gpointer object)
{
  guint64 word = atomic_load (&slot->word);

  if (object != NULL)
    add_refs (object, RELAY_IN_SLOT - 1);
  while (address_of (word) == expected) {
    if (!atomic_compare_exchange_weak (&slot->word, &word, (guint64) (guintptr) object))
      continue;
    atomic_store_explicit (&slot->address, object, memory_order_relaxed);
    if (expected != NULL)
      add_refs (expected, taken_of (word) - RELAY_IN_SLOT);
    return TRUE;
  }
  if (object != NULL)
    add_refs (object, 1 - RELAY_IN_SLOT);
  return FALSE;
}

gconstpointer
relay_slot_peek (RelaySlot *slot)
{
  return address_of (atomic_load (&slot->word));
}

/* ---- lists ---- */

static void
list_free (gpointer data)
{
  RelayList *self = data;

  for (guint i = 0; i < self->len; i++)
    relay_unref (self->members[i]);
  g_free (self);
}

RelayList *
relay_list_copy (RelayList *old, RelayIsLeftOut is_left_out, gconstpointer data, gpointer added)
{
  const guint old_len = old != NULL ? old->len : 0;
  RelayList *self = g_malloc (sizeof *self + (old_len + 1) * sizeof (gpointer));

  relay_object_init (self, list_free);
  self->version = old != NULL ? old->version + 1 : 1;
  self->len = 0;
  for (guint i = 0; i < old_len; i++)
    if (is_left_out == NULL || !is_left_out (old->members[i], data))
      self->members[self->len++] = relay_ref (old->members[i]);
  if (added != NULL)
    self->members[self->len++] = relay_ref (added);
  return self;
}

guint64
relay_list_change (RelaySlot *slot, RelayIsLeftOut is_left_out, gconstpointer data, gpointer added)
{
  for (;;) {
    g_autoptr (RelayList) old = relay_slot_get (slot);
    RelayList *changed = relay_list_copy (old, is_left_out, data, added);
    const guint64 version = changed->version;

    if (relay_slot_cas (slot, old, changed))
      return version;
    relay_unref (changed);
  }
}
