/* SPDX-License-Identifier: MIT */
/*
 * tsan.c: tells ThreadSanitizer what GLib's and GStreamer's own synchronisation means.
 *
 * GMutex and GCond are bare futexes and reference counts are counted in libraries that are not
 * instrumented, so that TSan sees no order in them and reports what is no race. The functions here
 * stand before the libraries' (the program's symbols come first), say what happens before what,
 * and call on. Of a count's end more order is said than there is: a race between two that both
 * hold a reference is still seen, one that a missing reference makes is AddressSanitizer's to
 * find.
 *
 * What is said before a reference is given back is too early when another one is given back in
 * between: then whoever is last has not learnt of it. An element's end is told exactly, by a weak
 * reference of ours, which GObject calls when the count has come to its end, before the finalizer.
 * test-tsan.c shows both.
 *
 * Part of the program only where it is built with TSan.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <gst/gst.h>

const char *__tsan_default_suppressions (void);
void __tsan_acquire (void *address);
void __tsan_release (void *address);

/* For test-tsan.c: called between what is said and the unref itself. */
extern void (*wgi_before_unref) (void);
void (*wgi_before_unref) (void);

/* What these libraries allocate, copy and free is not looked at; what the plugin and this program
 * read and write themselves is. A recursive lock's kind is lost thereby, what frees a buffer ran
 * behind a count, and a plugin's thread-local memory goes with its thread. */
const char *
__tsan_default_suppressions (void)
{
  return "called_from_lib:libglib-2.0.so\n"
         "called_from_lib:libgobject-2.0.so\n"
         "called_from_lib:libgstreamer-1.0.so\n"
         "called_from_lib:libgstbase-1.0.so\n"
         "called_from_lib:libgstapp-1.0.so\n"
         "mutex:g_rec_mutex_lock\n"
         "mutex:g_rec_mutex_trylock\n"
         "mutex:g_rec_mutex_unlock\n"
         "race:gst_mini_object_unref\n"
         "race:_dl_deallocate_tls\n";
}

#define UNSEEN __attribute__ ((no_sanitize ("thread")))

#define REAL(name)                                                                                 \
  static __typeof__ (&name) real;                                                                  \
  if (G_UNLIKELY (real == NULL))                                                                   \
  real = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name)

#define LOCK(name, type)                                                                           \
  UNSEEN void name (type *lock)                                                                    \
  {                                                                                                \
    REAL (name);                                                                                   \
    real (lock);                                                                                   \
    __tsan_acquire (lock);                                                                         \
  }

#define TRYLOCK(name, type)                                                                        \
  UNSEEN gboolean name (type *lock)                                                                \
  {                                                                                                \
    REAL (name);                                                                                   \
    if (!real (lock))                                                                              \
      return FALSE;                                                                                \
    __tsan_acquire (lock);                                                                         \
    return TRUE;                                                                                   \
  }

#define UNLOCK(name, type)                                                                         \
  UNSEEN void name (type *lock)                                                                    \
  {                                                                                                \
    REAL (name);                                                                                   \
    __tsan_release (lock);                                                                         \
    real (lock);                                                                                   \
  }

#define UNREF(name, type)                                                                          \
  UNSEEN void name (type object)                                                                   \
  {                                                                                                \
    REAL (name);                                                                                   \
    __tsan_release (object);                                                                       \
    __tsan_acquire (object);                                                                       \
    if (wgi_before_unref != NULL)                                                                  \
      wgi_before_unref ();                                                                         \
    real (object);                                                                                 \
  }

#undef g_object_unref
#undef gst_mini_object_unref

/* To clang-format these are neither declarations nor calls. */
/* clang-format off */
LOCK (g_mutex_lock, GMutex)
TRYLOCK (g_mutex_trylock, GMutex)
UNLOCK (g_mutex_unlock, GMutex)
LOCK (g_rec_mutex_lock, GRecMutex)
TRYLOCK (g_rec_mutex_trylock, GRecMutex)
UNLOCK (g_rec_mutex_unlock, GRecMutex)
LOCK (g_rw_lock_writer_lock, GRWLock)
UNLOCK (g_rw_lock_writer_unlock, GRWLock)
LOCK (g_rw_lock_reader_lock, GRWLock)
UNLOCK (g_rw_lock_reader_unlock, GRWLock)
UNREF (g_object_unref, gpointer)
UNREF (gst_object_unref, gpointer)
UNREF (gst_mini_object_unref, GstMiniObject *)
/* clang-format on */

UNSEEN void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);
  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

UNSEEN gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  REAL (g_cond_wait_until);
  __tsan_release (mutex);
  const gboolean signalled = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}

/* TRUE means that all other references were given back before: an acquire. */
UNSEEN gboolean
gst_mini_object_is_writable (const GstMiniObject *object)
{
  REAL (gst_mini_object_is_writable);
  if (!real (object))
    return FALSE;
  __tsan_acquire ((void *) object);
  return TRUE;
}

static UNSEEN void
at_the_end (gpointer data, GObject *object)
{
  (void) data;
  __tsan_acquire (object);
}

UNSEEN GstElement *
gst_element_factory_make (const gchar *factory, const gchar *name)
{
  REAL (gst_element_factory_make);
  GstElement *element = real (factory, name);
  if (element != NULL)
    g_object_weak_ref (G_OBJECT (element), at_the_end, NULL);
  return element;
}
