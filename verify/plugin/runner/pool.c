/* SPDX-License-Identifier: MIT */
/* pool.c: a buffer pool that counts what it allocates and what it has to throw away. */
#include "fixture.h"

typedef struct {
  GstBufferPool parent;
  gint allocated, freed;
} CountingPool;
typedef struct {
  GstBufferPoolClass parent;
} CountingPoolClass;

GType counting_pool_get_type (void);
G_DEFINE_TYPE (CountingPool, counting_pool, GST_TYPE_BUFFER_POOL)

static GstFlowReturn
alloc_buffer (GstBufferPool *pool, GstBuffer **buffer, GstBufferPoolAcquireParams *params)
{
  g_atomic_int_inc (&((CountingPool *) pool)->allocated);
  return GST_BUFFER_POOL_CLASS (counting_pool_parent_class)->alloc_buffer (pool, buffer, params);
}

static void
free_buffer (GstBufferPool *pool, GstBuffer *buffer)
{
  g_atomic_int_inc (&((CountingPool *) pool)->freed);
  GST_BUFFER_POOL_CLASS (counting_pool_parent_class)->free_buffer (pool, buffer);
}

static void
counting_pool_class_init (CountingPoolClass *class)
{
  class->parent.alloc_buffer = alloc_buffer;
  class->parent.free_buffer = free_buffer;
}

static void
counting_pool_init (CountingPool *pool)
{
  (void) pool;
}

GstBufferPool *
counting_pool_new (guint size, guint min, guint max)
{
  GstBufferPool *pool = gst_object_ref_sink (g_object_new (counting_pool_get_type (), NULL));
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, NULL, size, min, max);
  gst_buffer_pool_set_config (pool, config);
  gst_buffer_pool_set_active (pool, TRUE);
  return pool;
}

guint
counting_pool_allocated (GstBufferPool *pool)
{
  return (guint) g_atomic_int_get (&((CountingPool *) pool)->allocated);
}

guint
counting_pool_discarded (GstBufferPool *pool)
{
  return (guint) g_atomic_int_get (&((CountingPool *) pool)->freed);
}
