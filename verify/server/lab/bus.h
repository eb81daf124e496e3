/* SPDX-License-Identifier: MIT
 *
 * bus.h: the synchronous event bus, of the shape of Wolf's.
 *
 * Whoever fires an event runs its handlers, one after another, in its own thread, with the bus's
 * one lock held shared. To register or unregister a handler, of whatever type, takes it
 * exclusively. So:
 *
 * - a handler that blocks keeps its firer, and everybody who registers or unregisters anything;
 * - registering from inside a handler is a deadlock, firing is fine.
 *
 * That is upstream's design, faults and all, and what the lab is here to show.
 */
#pragma once

#include "lab.h"

G_BEGIN_DECLS

typedef struct LabSession LabSession;
typedef struct LabPing LabPing;

typedef enum {
  LAB_EVENT_SESSION, /* `session` was created: start its producers */
  LAB_EVENT_STREAM,  /* `session` was announced: wait for its pings, then stream */
  LAB_EVENT_PING,    /* `ping` came in */
  LAB_EVENT_PAUSE,   /* consumers of `id` end */
  LAB_EVENT_STOP,    /* everything of `id` ends */
} LabEventType;

typedef struct {
  LabEventType type;
  const gchar *id;     /* of a session: PAUSE, STOP */
  LabSession *session; /* SESSION, STREAM */
  const LabPing *ping; /* PING */
} LabEvent;

typedef void (*LabHandler) (const LabEvent *event, gpointer data);

LabBus *lab_bus_new (void);

/* Waits for every handler that is running. Returns a number for lab_bus_unregister(). `notify` (may
 * be NULL) frees `data` there. */
guint lab_bus_register (
    LabBus *bus, LabEventType type, LabHandler handler, gpointer data, GDestroyNotify notify);

/* Waits in the same way; when it returns, the handler is not running and will not run. */
void lab_bus_unregister (LabBus *bus, guint number);

/* Returns when all handlers have. */
void lab_bus_fire (LabBus *bus, const LabEvent *event);

/* A STOP or PAUSE of a session. */
void lab_bus_fire_id (LabBus *bus, LabEventType type, const gchar *id);

G_END_DECLS
