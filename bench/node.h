/* SPDX-License-Identifier: MIT
 *
 * node.h: producers (nodes) and their listeners, of which the cases of bench-interpipe-case
 * consist.
 *
 * Threads: one thread pushes into a node; listeners have their own.
 */
#pragma once

#include "bare-thread.h"

#include <semaphore.h>
#include <stdatomic.h>

#define BUFFER_SIZE 64
/* How far a node may run ahead of its listeners, in buffers for each. Well below the 200,000 bytes
 * that make an appsrc act, and enough for a thread to be woken for more than one. */
#define WINDOW 64
#define WARM_UP 80        /* more than the window */
#define PUSHES_PER_LOOK 8 /* at the clock */
/* Nothing here takes longer, unless it never ends. */
#define PATIENCE_S 10

typedef struct {
  char name[16];
  guint id;
  GstPad *pad;
  GstElement *sink;
  GstBufferPool *pool; /* NULL: every buffer is a new one */
  GPtrArray *srcs;     /* "app": whom it pushes to */
  BareThread *bare;    /* "bare": what its buffers go to */
  guint listeners;
  guint64 pushed;
  gint64 end;
  _Atomic gint64 delivered, target; /* to all listeners together; `target` wakes the producer */
  sem_t reached;
} Node;

typedef struct {
  GstElement *src;
  Node *node;         /* whose buffers it counts */
  guint wanted;       /* switched: what it listens to */
  atomic_uint listen; /* switched: what its last buffer came from */
} Listener;

/* What stands in the plugin's place. */
typedef enum { PLUGIN, TEE, APP, BARE } Kind;
extern Kind node_kind;
/* Of the counting pools. */
extern atomic_llong node_allocations;

gint64 now_ns (void);
/* Ends the program. */
G_NORETURN void give_up (const char *what, const char *detail);
/* FALSE: not within PATIENCE_S. */
gboolean wait_for (sem_t *semaphore);

GstBufferPool *pool_new (void);
/* NULL pool: every buffer is a new one. */
void node_init (Node *node, guint id, GstBufferPool *pool);
void node_push (Node *node, GstBufferFlags flags);
/* The next one, when there is room for it. */
void node_push_when_room (Node *node);
void node_await (Node *node, gint64 target);
gboolean ignore_event (GstPad *pad, GstObject *parent, GstEvent *event);
/* `probe` sees each buffer that arrives. */
void listener_init (
    Listener *listener, const char *listen_to, gboolean restart, GstPadProbeCallback probe);
