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
}

void
relay_base_clear (RelayBase *self)
{
  sem_destroy (&self->wake);
  sem_destroy (&self->come_out);
}

void
relay_base_end (RelayBase *self, GstFlowReturn flow)
{
  atomic_store (&self->inbox->open, FALSE);
  atomic_store (&self->inbox->accepting, FALSE);
  atomic_store (&self->ending, flow);
  sem_post (&self->wake);
  self->appsrc->unlock (self->src);
}

gboolean
relay_base_put (RelayBase *self, RelayKind kind, gpointer content)
{
  g_autoptr (RelayItem) item = relay_item_new (kind, content, NULL);

  if (content != NULL)
    gst_mini_object_unref (content);
  item->caps = gst_app_src_get_caps (GST_APP_SRC (self->src));
  return relay_inbox_put (self->inbox, &item->entries[0], &self->waiter) == RELAY_PUT;
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
  relay_inbox_schedule (self->inbox);
}

static GstFlowReturn
wait_for_end (RelayBase *self)
{
  while (atomic_load (&self->ending) == GST_FLOW_OK && !atomic_load (&self->unlocked))
    relay_sem_wait (&self->wake);
  return GST_FLOW_FLUSHING;
}

/* Stands in the appsrc's create(), without the STREAM_LOCK, for as long as workers may deliver. */
static GstFlowReturn
park (RelayBase *self, guint64 offset, guint size, GstBuffer **buffer)
{
  GstFlowReturn flow;

  open_inbox (self);
  atomic_store (&self->parked, TRUE);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  do {
    *buffer = NULL;
    flow = self->appsrc->create (self->src, offset, size, buffer);
    if (flow == GST_FLOW_OK && *buffer != NULL)
      relay_base_put (self, RELAY_DATA, *buffer);
  } while (flow == GST_FLOW_OK && *buffer != NULL);
  if (flow == GST_FLOW_EOS) { /* by hand */
    relay_base_put (self, RELAY_EOS, NULL);
    flow = wait_for_end (self);
  }
  atomic_store (&self->parked, FALSE);
  sem_post (&self->come_out);
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
