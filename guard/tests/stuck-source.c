/* SPDX-License-Identifier: MIT */
#include "stuck-source.h"

#include "sync.h"

#include <gst/base/gstpushsrc.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUFFER_SIZE 64
#define INTERVAL_US 5000

Gate stuck_init = GATE_INIT, stuck_start = GATE_INIT, stuck_create = GATE_INIT;

static atomic_uint events;

typedef struct {
  GstPushSrc parent;
  gboolean hold, refuse, die, chatty;
  guint created;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  gboolean unlocked;
} StuckSource;

typedef GstPushSrcClass StuckSourceClass;

static GType stuck_source_get_type (void);
G_DEFINE_TYPE (StuckSource, stuck_source, GST_TYPE_PUSH_SRC)

enum { PROP_HOLD = 1, PROP_REFUSE, PROP_DIE, PROP_CHATTY };

static void
stuck_source_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  StuckSource *self = (StuckSource *) object;
  gboolean on = g_value_get_boolean (value);

  switch (id) {
  case PROP_HOLD:
    self->hold = on;
    break;
  case PROP_REFUSE:
    self->refuse = on;
    break;
  case PROP_DIE:
    self->die = on;
    break;
  case PROP_CHATTY:
    self->chatty = on;
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static gboolean
stuck_source_start (GstBaseSrc *base)
{
  StuckSource *self = (StuckSource *) base;

  if (self->hold)
    gate_pass (&stuck_start);
  return TRUE;
}

static GstStateChangeReturn
stuck_source_change_state (GstElement *element, GstStateChange change)
{
  StuckSource *self = (StuckSource *) element;

  if (self->refuse && change == GST_STATE_CHANGE_READY_TO_PAUSED)
    return GST_STATE_CHANGE_FAILURE;
  return GST_ELEMENT_CLASS (stuck_source_parent_class)->change_state (element, change);
}

static gboolean
set_unlocked (GstBaseSrc *base, gboolean unlocked)
{
  StuckSource *self = (StuckSource *) base;

  pthread_mutex_lock (&self->mutex);
  self->unlocked = unlocked;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->mutex);
  return TRUE;
}

static gboolean
stuck_source_unlock (GstBaseSrc *base)
{
  return set_unlocked (base, TRUE);
}

static gboolean
stuck_source_unlock_stop (GstBaseSrc *base)
{
  return set_unlocked (base, FALSE);
}

static gboolean
stuck_source_event (GstBaseSrc *base, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_UPSTREAM)
    atomic_fetch_add (&events, 1);
  return GST_BASE_SRC_CLASS (stuck_source_parent_class)->event (base, event);
}

static GstFlowReturn
stuck_source_create (GstPushSrc *push, GstBuffer **buffer)
{
  StuckSource *self = (StuckSource *) push;
  gint64 until = g_get_monotonic_time () + INTERVAL_US;
  /* Real time: guard's clock may be the test's. */
  struct timespec at = { until / G_USEC_PER_SEC, until % G_USEC_PER_SEC * 1000 };
  gboolean unlocked;

  if (self->hold)
    gate_pass (&stuck_create);
  if (self->die && self->created == 1)
    syscall (SYS_exit, 0);
  if (self->chatty)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_application (GST_OBJECT (self), gst_structure_new_empty ("chat")));

  pthread_mutex_lock (&self->mutex);
  while (!self->unlocked && !pthread_cond_timedwait (&self->changed, &self->mutex, &at))
    ;
  unlocked = self->unlocked;
  pthread_mutex_unlock (&self->mutex);
  if (unlocked)
    return GST_FLOW_FLUSHING;

  self->created++;
  *buffer = gst_buffer_new_allocate (NULL, BUFFER_SIZE, NULL);
  gst_buffer_memset (*buffer, 0, 0, BUFFER_SIZE);
  return GST_FLOW_OK;
}

static void
stuck_source_finalize (GObject *object)
{
  StuckSource *self = (StuckSource *) object;

  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->mutex);
  G_OBJECT_CLASS (stuck_source_parent_class)->finalize (object);
}

static void
stuck_source_init (StuckSource *self)
{
  self->hold = TRUE;
  pthread_mutex_init (&self->mutex, NULL);
  wg_cond_init (&self->changed);
  gst_base_src_set_live (GST_BASE_SRC (self), TRUE);
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_TIME);
  gate_pass (&stuck_init);
}

static void
stuck_source_class_init (StuckSourceClass *klass)
{
  static GstStaticPadTemplate src =
      GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
  static const char *const properties[] = { NULL, "hold", "refuse", "die", "chatty" };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS (klass);

  object_class->set_property = stuck_source_set_property;
  object_class->finalize = stuck_source_finalize;
  GST_ELEMENT_CLASS (klass)->change_state = stuck_source_change_state;
  base_class->start = stuck_source_start;
  base_class->unlock = stuck_source_unlock;
  base_class->unlock_stop = stuck_source_unlock_stop;
  base_class->event = stuck_source_event;
  klass->create = stuck_source_create;
  for (guint id = PROP_HOLD; id <= PROP_CHATTY; id++)
    g_object_class_install_property (object_class, id,
        g_param_spec_boolean (properties[id], NULL, NULL, id == PROP_HOLD,
            G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template (GST_ELEMENT_CLASS (klass), &src);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Source that gets stuck",
      "Source", "Gets stuck on command", "Wolf Guard");
}

guint
stuck_source_events (void)
{
  return atomic_load (&events);
}

void
stuck_source_register (void)
{
  g_assert_true (
      gst_element_register (NULL, "wgstucksrc", GST_RANK_NONE, stuck_source_get_type ()));
}
