/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-base.h"

#include "relay-os.h"

/* How often to let others run until a thread that pauses the element gets from unlock() to
 * live_running, a few lines. */
#define YIELDS 1000

void
relay_base_init (RelayBase *self, GstBaseSrc *src, GstBaseSrcClass *appsrc, RelayInbox *inbox,
    RelayStream *stream)
{
  self->src = src;
  self->appsrc = appsrc;
  self->inbox = inbox;
  self->stream = stream;
  sem_init (&self->wake, 0, 0);
  sem_init (&self->come_out, 0, 0);
  g_mutex_init (&self->call_lock);
}

void
relay_base_clear (RelayBase *self)
{
  sem_destroy (&self->wake);
  sem_destroy (&self->come_out);
  g_mutex_clear (&self->call_lock);
}

void
relay_base_end (RelayBase *self, GstFlowReturn flow)
{
  atomic_store (&self->inbox->open, FALSE);
  atomic_store (&self->inbox->accepting, FALSE);
  atomic_store (&self->ending, flow);
  sem_post (&self->wake);
  relay_pool_wake_alone (&self->inbox->work);
  self->appsrc->unlock (self->src);
}

static RelayItem *
new_item (RelayBase *self, RelayKind kind, gpointer content)
{
  RelayItem *item = relay_item_new (kind, content, NULL);

  if (content != NULL)
    gst_mini_object_unref (content);
  item->caps = gst_app_src_get_caps (GST_APP_SRC (self->src));
  return item;
}

gboolean
relay_base_put (RelayBase *self, RelayKind kind, gpointer content)
{
  g_autoptr (RelayItem) item = new_item (self, kind, content);

  return relay_inbox_put (self->inbox, &item->entries[0], &self->waiter) == RELAY_PUT;
}

/* In the thread itself, which sends what it puts if no other thread is at it. */
static void
put_and_send (RelayBase *self, RelayKind kind, gpointer content)
{
  g_autoptr (RelayItem) item = new_item (self, kind, content);
  const gboolean held = relay_pool_hold (&self->inbox->work);
  RelayPut put;

  put = relay_inbox_put (self->inbox, &item->entries[0], held ? NULL : &self->waiter);
  if (held)
    relay_pool_run_held (&self->inbox->work);
  if (held && put == RELAY_NO_ROOM)
    relay_inbox_put (self->inbox, &item->entries[0], &self->waiter);
}

/* With the STREAM_LOCK. Nothing of before a stop or a flush is of use. */
static void
open_inbox (RelayBase *self)
{
  relay_stream_begin (self->stream);
  atomic_store (&self->ending, GST_FLOW_OK);
  while (sem_trywait (&self->wake) == 0)
    ;
  atomic_store (&self->inbox->accepting, TRUE);
  atomic_store (&self->inbox->open, TRUE);
  /* It may have been unlocked since. */
  if (atomic_load (&self->unlocked))
    atomic_store (&self->inbox->open, FALSE);
  if (!relay_inbox_is_empty (self->inbox))
    relay_inbox_schedule (self->inbox);
}

/* ---- calls ---- */

/* create() returns as if the element was unlocked. A buffer would make it return as well, but
 * GStreamer 1.26 sends a segment before any buffer, and a segment must not come before caps. */
void
relay_base_call (RelayBase *self)
{
  sem_post (&self->wake);
  g_mutex_lock (&self->call_lock);
  atomic_store (&self->called, TRUE);
  self->appsrc->unlock (self->src);
  g_mutex_unlock (&self->call_lock);
}

/* Without the STREAM_LOCK. Returns: whether there was a call. With that lock, since unlock_stop()
 * comes with it: whatever unlocks the element meanwhile is seen here, and is not undone. */
static gboolean
answer_call (RelayBase *self)
{
  if (!atomic_load (&self->called)) /* only this thread takes it back */
    return FALSE;
  GST_PAD_STREAM_LOCK (self->inbox->pad);
  g_mutex_lock (&self->call_lock);
  atomic_store (&self->called, FALSE);
  self->appsrc->unlock_stop (self->src);
  if (atomic_load (&self->unlocked) || atomic_load (&self->ending) != GST_FLOW_OK)
    self->appsrc->unlock (self->src);
  g_mutex_unlock (&self->call_lock);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  return TRUE;
}

/* ---- the loop ---- */

/* The appsrc's create(). unlock_stop() waits until it has returned if it was told to. */
static GstFlowReturn
create_by_hand (RelayBase *self, guint64 offset, guint size, GstBuffer **buffer)
{
  GstFlowReturn flow = GST_FLOW_FLUSHING;

  *buffer = NULL;
  atomic_store (&self->parked, TRUE);
  if (atomic_load (&self->inbox->open))
    flow = self->appsrc->create (self->src, offset, size, buffer);
  atomic_store (&self->parked, FALSE);
  sem_post (&self->come_out);
  return flow;
}

static gboolean
has_by_hand (RelayBase *self)
{
  return gst_app_src_get_current_level_buffers (GST_APP_SRC (self->src)) > 0;
}

/* Without the STREAM_LOCK. Returns: OK with a list by hand, which the base class has */
static GstFlowReturn
stand_by (RelayBase *self, guint64 offset, guint size, GstBuffer **buffer)
{
  RelayWork *const work = &self->inbox->work;
  gboolean ended = FALSE; /* by hand: what waits is still sent */

  while (atomic_load (&self->inbox->open)) {
    GstFlowReturn flow;

    if (relay_pool_is_alone (work)) {
      answer_call (self);
      relay_pool_run_alone (work);
      if (ended || !has_by_hand (self))
        continue;
    }
    if (ended) {
      relay_sem_wait (&self->wake);
      continue;
    }
    flow = create_by_hand (self, offset, size, buffer);
    if (flow == GST_FLOW_EOS) {
      put_and_send (self, RELAY_EOS, NULL);
      ended = TRUE;
    } else if (flow == GST_FLOW_FLUSHING && answer_call (self)) {
      continue;
    } else if (flow != GST_FLOW_OK || *buffer == NULL) {
      return flow;
    } else {
      put_and_send (self, RELAY_DATA, g_steal_pointer (buffer));
    }
  }
  return GST_FLOW_FLUSHING;
}

static GstFlowReturn
park (RelayBase *self, guint64 offset, guint size, GstBuffer **buffer)
{
  GstFlowReturn flow;

  open_inbox (self);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  flow = stand_by (self, offset, size, buffer);
  GST_PAD_STREAM_LOCK (self->inbox->pad);
  atomic_store (&self->inbox->open, FALSE);
  return flow;
}

/* A live source is unlocked when it goes to PAUSED, and waits here until it is PLAYING again. The
 * base class's own wait is not safe: its task may start again just before it pauses (GStreamer
 * 1.26). */
static gboolean
is_playing_again (RelayBase *self)
{
  GstBaseSrc *src = self->src;

  if (!src->is_live || !atomic_load (&self->unlocked) || GST_PAD_IS_FLUSHING (self->inbox->pad))
    return FALSE;
  for (int i = 0; i < YIELDS && GST_STATE_TARGET (src) == GST_STATE_PAUSED && src->live_running;
       i++)
    g_thread_yield ();
  if (gst_base_src_wait_playing (src) != GST_FLOW_OK)
    return FALSE;
  relay_base_unlock_stop (self);
  return TRUE;
}

/* A flush may be over by the time that the thread has come out and has the STREAM_LOCK. It has been
 * told to go on already, and would miss that if it paused now. */
static gboolean
may_go_on (RelayBase *self)
{
  if (is_playing_again (self))
    return TRUE;
  return !atomic_load (&self->unlocked) && !GST_PAD_IS_FLUSHING (self->inbox->pad);
}

GstFlowReturn
relay_base_create (RelayBase *self, guint64 offset, guint size, GstBuffer **buffer)
{
  GstFlowReturn flow, ending;

  do {
    flow = park (self, offset, size, buffer);
    ending = atomic_exchange (&self->ending, GST_FLOW_OK);
    if (ending != GST_FLOW_OK) {
      self->appsrc->unlock_stop (self->src);
      /* The other way round the base class's own unlock might be lost. */
      if (atomic_load (&self->unlocked))
        self->appsrc->unlock (self->src);
      return ending;
    }
  } while (flow == GST_FLOW_FLUSHING && may_go_on (self));
  /* A buffer list by hand: the base class has it and sends it. */
  if (flow == GST_FLOW_OK) {
    g_autoptr (GstCaps) caps = gst_app_src_get_caps (GST_APP_SRC (self->src));
    relay_stream_follow_caps (self->stream, caps);
  }
  return flow;
}

gboolean
relay_base_unlock (RelayBase *self)
{
  atomic_store (&self->unlocked, TRUE);
  atomic_store (&self->inbox->open, FALSE);
  atomic_store (&self->inbox->flushing, TRUE);
  atomic_store (&self->ending, GST_FLOW_OK); /* a flush takes it back */
  relay_inbox_wake (self->inbox);
  sem_post (&self->wake);
  relay_pool_wake_alone (&self->inbox->work);
  return self->appsrc->unlock (self->src);
}

gboolean
relay_base_unlock_stop (RelayBase *self)
{
  /* The caller has the STREAM_LOCK and takes it that the thread has come out of create(), as it has
   * with other sources. Here it has been told to, and only has to wake up. */
  while (atomic_load (&self->unlocked) && atomic_load (&self->parked))
    relay_sem_wait (&self->come_out);
  self->stream->need_segment = TRUE;
  atomic_store (&self->unlocked, FALSE);
  atomic_store (&self->inbox->flushing, FALSE);
  return self->appsrc->unlock_stop (self->src);
}
