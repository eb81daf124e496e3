/* SPDX-License-Identifier: MIT */
/* bus.c: a list and a lock. */
#include "bus.h"

#include <wolf-guard/watch.h>

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

static const gchar *const operations[] = {
  [LAB_EVENT_SESSION] = "handler of SESSION",
  [LAB_EVENT_STREAM] = "handler of STREAM",
  [LAB_EVENT_PING] = "handler of PING",
  [LAB_EVENT_PAUSE] = "handler of PAUSE",
  [LAB_EVENT_STOP] = "handler of STOP",
};

static void
lock_for_writing (LabBus *bus)
{
  wg_watch_begin ("the bus's lock");
  g_rw_lock_writer_lock (&bus->lock);
  wg_watch_end ();
}

guint
lab_bus_register (
    LabBus *bus, LabEventType type, LabHandler handler, gpointer data, GDestroyNotify notify)
{
  lock_for_writing (bus);
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

  lock_for_writing (bus);
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
    if (entry->type != event->type)
      continue;
    wg_watch_begin (operations[entry->type]);
    entry->handler (event, entry->data);
    wg_watch_end ();
  }
  g_rw_lock_reader_unlock (&bus->lock);
}

void
lab_bus_fire_id (LabBus *bus, LabEventType type, const gchar *id)
{
  const LabEvent event = { .type = type, .id = id };

  lab_bus_fire (bus, &event);
}
