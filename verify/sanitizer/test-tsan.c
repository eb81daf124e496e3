/* SPDX-License-Identifier: MIT */
/*
 * test-tsan.c: what tsan.c says about the end of an element and the count of a buffer, and what it
 * does not hide.
 *
 * Two threads have a reference. One writes into the element and gives its reference back; the
 * other is about to give back the last one, has told ThreadSanitizer so, and does it when the
 * first has done so, too. Nothing but GObject's count orders the write and the finalizer.
 *
 *   test-tsan ordered    no report
 *   test-tsan untold     the same without tsan.c's weak reference: a report, but of no race
 *   test-tsan early      the write comes after the reference was given back: a race
 *   test-tsan shared     both write while both have a reference: a race
 *
 * Two threads have a buffer. One reads it and gives it back; the other writes to it.
 *
 *   test-tsan writable   when it is its own alone: no report
 *   test-tsan unasked    without having asked whether it is: a race
 */
#include <gst/gst.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

extern void (*wgi_before_unref) (void);

#define UNSEEN __attribute__ ((no_sanitize ("thread")))

typedef struct {
  GstElement parent;
  int field;
} Thing;
typedef GstElementClass ThingClass;

static GType thing_get_type (void);
G_DEFINE_TYPE (Thing, thing, GST_TYPE_ELEMENT)

static void
thing_finalize (GObject *object)
{
  ((Thing *) object)->field = 0;
  G_OBJECT_CLASS (thing_parent_class)->finalize (object);
}

static void
thing_class_init (ThingClass *class)
{
  G_OBJECT_CLASS (class)->finalize = thing_finalize;
  gst_element_class_set_static_metadata (class, "t", "t", "t", "t");
}

static void
thing_init (Thing *thing)
{
  (void) thing;
}

/* No order: TSan does not see it, and the processor's is of no interest here. */
static volatile int step;

static UNSEEN void
reach (int next)
{
  step = next;
}

static UNSEEN void
await (int next)
{
  while (step < next)
    sched_yield ();
}

static const char *mode;
static pthread_t first;

static void *
use_and_give_back (void *data)
{
  Thing *thing = data;
  const gboolean early = strcmp (mode, "early") == 0;

  await (1);
  if (!early)
    thing->field = 1;
  if (strcmp (mode, "shared") != 0)
    g_object_unref (thing);
  if (early)
    thing->field = 1;
  reach (2);
  return NULL;
}

static UNSEEN void
let_the_other_go_first (void)
{
  if (pthread_equal (pthread_self (), first))
    return;
  wgi_before_unref = NULL;
  reach (1);
  await (2);
}

static volatile GstClockTime seen;

static void *
read_and_give_back (void *data)
{
  GstBuffer *buffer = data;

  await (1);
  seen = GST_BUFFER_PTS (buffer);
  gst_mini_object_unref (GST_MINI_OBJECT_CAST (buffer));
  reach (2);
  return NULL;
}

static int
share_buffer (gboolean asks)
{
  GstBuffer *buffer = gst_buffer_new ();

  gst_mini_object_ref (GST_MINI_OBJECT_CAST (buffer));
  if (pthread_create (&first, NULL, read_and_give_back, buffer) != 0)
    return 3;
  reach (1);
  await (2);
  if (!asks || gst_buffer_is_writable (buffer))
    GST_BUFFER_PTS (buffer) = 1;
  pthread_join (first, NULL);
  gst_mini_object_unref (GST_MINI_OBJECT_CAST (buffer));
  g_print ("%s: the end\n", mode);
  return 0;
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  mode = argc > 1 ? argv[1] : "";
  if (strcmp (mode, "writable") == 0 || strcmp (mode, "unasked") == 0)
    return share_buffer (strcmp (mode, "writable") == 0);
  gst_element_register (NULL, "thing", GST_RANK_NONE, thing_get_type ());
  Thing *thing =
      (Thing *) (strcmp (mode, "untold") == 0 ? g_object_new (thing_get_type (), NULL)
                                              : gst_element_factory_make ("thing", NULL));
  gst_object_ref_sink (thing);
  gst_object_ref (thing);
  if (pthread_create (&first, NULL, use_and_give_back, thing) != 0)
    return 3;
  if (strcmp (mode, "shared") == 0) {
    reach (1);
    await (2);
    thing->field = 2;
  } else {
    wgi_before_unref = let_the_other_go_first;
    g_object_unref (thing);
  }
  pthread_join (first, NULL);
  g_print ("%s: the end\n", mode);
  return 0;
}
