/* SPDX-License-Identifier: MIT */
/* bus.c: a list and a lock. */
#include "bus.h"

typedef struct {
  guint number;
  LabEventType type;
  LabHandler handler;
  gpointer data;
  GDestroyNotify notify;
} Entry;

struct LabBus {
  GRWLock lock;
  GArray *entries; /* of Entry, in the order of registration */
  guint last;
};

LabBus *
lab_bus_new (void)
{
  LabBus *bus = g_new0 (LabBus, 1);

  g_rw_lock_init (&bus->lock);
  bus->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  return bus;
}

guint
lab_bus_register (
    LabBus *bus, LabEventType type, LabHandler handler, gpointer data, GDestroyNotify notify)
{
  g_rw_lock_writer_lock (&bus->lock);
  const guint number = ++bus->last;
  const Entry entry = { number, type, handler, data, notify };
  g_array_append_val (bus->entries, entry);
  g_rw_lock_writer_unlock (&bus->lock);
  return number;
}

void
lab_bus_unregister (LabBus *bus, guint number)
{
  Entry gone = { 0 };

  g_rw_lock_writer_lock (&bus->lock);
  for (guint i = 0; i < bus->entries->len && gone.number == 0; i++)
    if (g_array_index (bus->entries, Entry, i).number == number) {
      gone = g_array_index (bus->entries, Entry, i);
      g_array_remove_index (bus->entries, i);
    }
  g_rw_lock_writer_unlock (&bus->lock);
  if (gone.notify != NULL)
    gone.notify (gone.data);
}

void
lab_bus_fire (LabBus *bus, const LabEvent *event)
{
  g_rw_lock_reader_lock (&bus->lock);
  for (guint i = 0; i < bus->entries->len; i++) {
    const Entry *entry = &g_array_index (bus->entries, Entry, i);
    if (entry->type == event->type)
      entry->handler (event, entry->data);
  }
  g_rw_lock_reader_unlock (&bus->lock);
}

void
lab_bus_fire_id (LabBus *bus, LabEventType type, const gchar *id)
{
  const LabEvent event = { .type = type, .id = id };

  lab_bus_fire (bus, &event);
}
