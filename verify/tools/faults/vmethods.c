/* SPDX-License-Identifier: MIT */
/*
 * vmethods.c: fault points in GstBaseSrc's create, start, stop and event, for which a tracer has no
 * hook.
 *
 * The function pointers of an element's class are replaced when its first instance is constructed.
 * The originals are kept with the GType. A class may have inherited a wrapper from a parent that
 * was wrapped before it, and an original may chain up into a wrapped parent; so a wrapper finds out
 * how far up the hierarchy it is running: each call in progress is a frame on the thread's own
 * stack, and a nested call on the same source goes on above the class whose original is running.
 */
#include "wgfaults.h"

#include <gst/base/gstbasesrc.h>

typedef GstFlowReturn (*CreateFn) (GstBaseSrc *, guint64, guint, GstBuffer **);
typedef gboolean (*SwitchFn) (GstBaseSrc *);
typedef gboolean (*HandleFn) (GstBaseSrc *, GstEvent *);

typedef struct {
  gpointer fn[4]; /* create, start, stop, event */
} Originals;

enum { CREATE, START, STOP, HANDLE };

typedef struct Frame {
  GstBaseSrc *src;
  gint slot;
  GType level;
  gpointer fn;
  struct Frame *below;
} Frame;

static _Thread_local Frame *frames;

static GQuark
originals_quark (void)
{
  return g_quark_from_static_string ("wgfaults-originals");
}

static gpointer
original_at (GType type, gint slot)
{
  const Originals *originals = g_type_get_qdata (type, originals_quark ());

  return originals ? originals->fn[slot] : NULL;
}

/* Opens a frame with the original to call in it. Returns whether it is the outermost for this
 * source. */
static gboolean
frame_enter (Frame *frame, GstBaseSrc *src, gint slot)
{
  GType level = G_OBJECT_TYPE (src);
  gpointer running = NULL;
  const gboolean nested = frames != NULL && frames->src == src && frames->slot == slot;

  if (nested) {
    level = frames->level;
    running = frames->fn;
  }
  gpointer fn = original_at (level, slot);
  while (fn == running || fn == NULL) {
    level = g_type_parent (level);
    g_assert (level != 0); /* a wrapper was called, so one of the ancestors was wrapped */
    fn = original_at (level, slot);
  }
  *frame = (Frame){ src, slot, level, fn, frames };
  frames = frame;
  return !nested;
}

static void
frame_leave (Frame *frame)
{
  frames = frame->below;
}

static GstFlowReturn
create (GstBaseSrc *src, guint64 offset, guint size, GstBuffer **buffer)
{
  Frame frame;

  if (frame_enter (&frame, src, CREATE))
    wgf_point (WGF_CREATE, GST_ELEMENT (src), NULL, NULL);
  const GstFlowReturn result = ((CreateFn) frame.fn) (src, offset, size, buffer);
  frame_leave (&frame);
  return result;
}

static gboolean
start (GstBaseSrc *src)
{
  Frame frame;

  if (frame_enter (&frame, src, START))
    wgf_point (WGF_START, GST_ELEMENT (src), NULL, NULL);
  const gboolean result = ((SwitchFn) frame.fn) (src);
  frame_leave (&frame);
  return result;
}

static gboolean
stop (GstBaseSrc *src)
{
  Frame frame;

  if (frame_enter (&frame, src, STOP))
    wgf_point (WGF_STOP, GST_ELEMENT (src), NULL, NULL);
  const gboolean result = ((SwitchFn) frame.fn) (src);
  frame_leave (&frame);
  return result;
}

static gboolean
handle (GstBaseSrc *src, GstEvent *event)
{
  Frame frame;

  if (frame_enter (&frame, src, HANDLE))
    wgf_point (WGF_HANDLE, GST_ELEMENT (src), NULL, GST_EVENT_TYPE_NAME (event));
  const gboolean result = ((HandleFn) frame.fn) (src, event);
  frame_leave (&frame);
  return result;
}

/* A source without a start or stop of its own still gets the fault point. */
static gboolean
nothing_to_do (GstBaseSrc *src)
{
  (void) src;
  return TRUE;
}

static gpointer
inherited (GType type, gint slot)
{
  gpointer fn = NULL;

  for (; type != 0 && fn == NULL; type = g_type_parent (type))
    fn = original_at (type, slot);
  return fn;
}

void
wgf_vmethods_wrap (GstElement *element)
{
  static GMutex lock;

  if (!GST_IS_BASE_SRC (element))
    return;
  GstBaseSrcClass *klass = GST_BASE_SRC_GET_CLASS (element);
  const GType type = G_OBJECT_TYPE (element);
  g_mutex_lock (&lock);
  if (g_type_get_qdata (type, originals_quark ()) == NULL) {
    Originals *originals = g_new0 (Originals, 1);
    /* Other instances may be calling through the class right now: each pointer changes atomically,
     * and only after its original can be found. */
    originals->fn[CREATE] =
        klass->create == create ? inherited (type, CREATE) : (gpointer) klass->create;
    originals->fn[START] = klass->start == start ? inherited (type, START)
        : klass->start != NULL                   ? (gpointer) klass->start
                                                 : (gpointer) nothing_to_do;
    originals->fn[STOP] = klass->stop == stop ? inherited (type, STOP)
        : klass->stop != NULL                 ? (gpointer) klass->stop
                                              : (gpointer) nothing_to_do;
    originals->fn[HANDLE] = /* the base class has one */
        klass->event == handle ? inherited (type, HANDLE) : (gpointer) klass->event;
    g_type_set_qdata (type, originals_quark (), originals);
    __atomic_store_n (&klass->create, create, __ATOMIC_RELEASE);
    __atomic_store_n (&klass->start, start, __ATOMIC_RELEASE);
    __atomic_store_n (&klass->stop, stop, __ATOMIC_RELEASE);
    __atomic_store_n (&klass->event, handle, __ATOMIC_RELEASE);
  }
  g_mutex_unlock (&lock);
}
