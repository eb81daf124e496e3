/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "world.h"

#include "job.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

World *
world_new (void)
{
  World *world = g_new0 (World, 1);

  world->p = producer_new_here ("p", 1, 64, GST_STATE_PLAYING);
  world->q = producer_new_here ("q", 2, 64, GST_STATE_PLAYING);
  world->r = producer_new_here ("r", 3, 128, GST_STATE_PLAYING);
  world->x = producer_new_here ("x", 4, 64, GST_STATE_NULL);
  world->w = producer_new_here ("w", 5, 64, GST_STATE_NULL);
  world->a = consumer_playing ("a", "p");
  world->b = consumer_playing ("b", "p");
  world->c = consumer_playing ("c", "q");
  world->y = consumer_playing ("y", "x");
  world->older = producer_new_here ("twin", 11, 64, GST_STATE_PLAYING);
  world->newest = producer_new_here ("twin", 12, 64, GST_STATE_NULL);
  world->heir = consumer_playing ("heir", "twin");
  world->s = consumer_new ("s", "p");
  world->t = consumer_new ("t", "p");
  world->z = consumer_new ("z", "p");
  consumer_start (world->z);
  consumer_stop (world->z);
  const gboolean streams = consumer_gets (world->a, world->p) && consumer_gets (world->b, world->p)
      && consumer_gets (world->c, world->q);
  return streams ? world : NULL;
}

typedef struct {
  World *world;
  gint delivers;
} New;

static void
new_pair (gpointer data)
{
  New *new = data;
  Producer *producer = producer_new_here ("new", 9, 64, GST_STATE_PLAYING);
  Consumer *consumer = consumer_new ("new-source", "new");

  gst_element_set_state (consumer->src, GST_STATE_PLAYING);
  producer_push (producer);
  g_atomic_int_set (&new->delivers, consumer_wait (consumer, 9, 0, NEVER_MS));
}

gboolean
world_new_pair_delivers (World *world, guint ms)
{
  New *new = g_new0 (New, 1);

  new->world = world;
  return within (ms, new_pair, new) && g_atomic_int_get (&new->delivers);
}

static void
other_listens (gpointer data)
{
  New *new = data;
  Producer *producer = producer_new_here ("newer", 10, 64, GST_STATE_PLAYING);

  consumer_listen_here (new->world->b, "newer");
  producer_push (producer);
  g_atomic_int_set (&new->delivers, consumer_wait (new->world->b, 10, 0, NEVER_MS));
}

gboolean
world_other_listener_switches (World *world, guint ms)
{
  New *new = g_new0 (New, 1);

  new->world = world;
  return within (ms, other_listens, new) && g_atomic_int_get (&new->delivers);
}

/* ---- names of locks ---- */

typedef struct {
  guintptr base, data, data_end; /* data: what is not constant */
} Image;

static int
find_image (struct dl_phdr_info *info, size_t size, void *data)
{
  Image *image = data;
  (void) size;

  if (!g_str_has_suffix (info->dlpi_name, WG_HOLDERS_PLUGIN))
    return 0;
  image->base = info->dlpi_addr;
  for (gint i = 0; i < info->dlpi_phnum; i++) {
    const ElfW (Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_W))
      continue;
    image->data = info->dlpi_addr + header->p_vaddr;
    image->data_end = image->data + header->p_memsz;
  }
  return 1;
}

/* The static symbol at an address, from the file's table; NULL: none, or a stripped file. */
static gchar *
find_symbol (const gchar *plugin, guintptr offset)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (plugin, FALSE, NULL);

  if (file == NULL)
    return NULL;
  const gchar *start = g_mapped_file_get_contents (file);
  const ElfW (Ehdr) *header = (const void *) start;
  const ElfW (Shdr) *sections = (const void *) (start + header->e_shoff);
  for (guint i = 0; i < header->e_shnum; i++) {
    const ElfW (Shdr) *section = &sections[i];
    if (section->sh_type != SHT_SYMTAB)
      continue;
    const ElfW (Sym) *symbols = (const void *) (start + section->sh_offset);
    const gchar *names = start + sections[section->sh_link].sh_offset;
    for (gsize n = 0; n < section->sh_size / sizeof *symbols; n++)
      if (ELF64_ST_TYPE (symbols[n].st_info) == STT_OBJECT && offset >= symbols[n].st_value
          && offset < symbols[n].st_value + symbols[n].st_size)
        return g_strdup (names + symbols[n].st_name);
  }
  return NULL;
}

static gchar *
name_static (const gchar *plugin, const Image *image, guintptr lock)
{
  g_autofree gchar *symbol = find_symbol (plugin, lock - image->base);

  if (g_strcmp0 (symbol, "listeners_mutex") == 0)
    return g_strdup ("L1");
  if (g_strcmp0 (symbol, "nodes_mutex") == 0)
    return g_strdup ("L2");
  return g_strdup_printf ("static %s", symbol ? symbol : "lock");
}

/* Whether a piece of memory, which may not even be there, holds a pointer to the lock; or, if deep,
 * a pointer to what does. */
static gboolean
points_to (guintptr memory, gsize size, guintptr lock, gboolean deep)
{
  guintptr words[512];
  const struct iovec to = { words, MIN (size, sizeof words) };
  const struct iovec from = { (void *) memory, to.iov_len };
  const gssize got = process_vm_readv (getpid (), &to, 1, &from, 1, 0);

  for (gssize i = 0; i < got / (gssize) sizeof words[0]; i++)
    if (words[i] == lock || (deep && words[i] > 4096 && points_to (words[i], 256, lock, FALSE)))
      return TRUE;
  return FALSE;
}

static gboolean
is_stream_lock (GstElement *element, guintptr lock)
{
  GstPad *pad = element->pads->data; /* the only one */

  return lock == (guintptr) GST_PAD_GET_STREAM_LOCK (pad);
}

static gchar *
name_of_element (GstElement *element, const gchar *name, guintptr lock)
{
  const guintptr start = (guintptr) element;
  GTypeQuery query;

  if (element == NULL)
    return NULL;
  if (is_stream_lock (element, lock))
    return g_strdup_printf ("STREAM_LOCK of %s", name);
  if (lock == (guintptr) GST_OBJECT_GET_LOCK (element))
    return g_strdup_printf ("object lock of %s", name);
  g_type_query (G_OBJECT_TYPE (element), &query);
  if (lock >= start && lock < start + query.instance_size)
    return g_strdup_printf ("L3 of %s", name);
  /* Of the element's own type, past what it derives from. */
  GTypeQuery parent;
  g_type_query (g_type_parent (G_OBJECT_TYPE (element)), &parent);
  if (points_to (start + parent.instance_size, query.instance_size - parent.instance_size, lock,
          GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SOURCE)))
    return g_strdup_printf ("lock of %s", name);
  return NULL;
}

gchar *
world_name_lock (World *world, const gchar *plugin, const void *lock, gboolean of_glib)
{
  const guintptr at = (guintptr) lock;
  Image image = { 0 };

  dl_iterate_phdr (find_image, &image);
  if (at >= image.data && at < image.data_end)
    return name_static (plugin, &image, at);
  const struct {
    Producer *producer;
    const gchar *name;
  } producers[] = { { world->p, "p" }, { world->q, "q" }, { world->r, "r" }, { world->x, "x" } };
  for (guint i = 0; i < G_N_ELEMENTS (producers); i++) {
    gchar *name = name_of_element (producers[i].producer->sink, producers[i].name, at);
    if (name != NULL)
      return name;
  }
  const struct {
    Consumer *consumer;
    const gchar *name;
  } consumers[] = { { world->a, "a" }, { world->b, "b" }, { world->c, "c" }, { world->y, "y" },
    { world->s, "s" }, { world->t, "t" }, { world->z, "z" } };
  for (guint i = 0; i < G_N_ELEMENTS (consumers); i++) {
    gchar *name = name_of_element (consumers[i].consumer->src, consumers[i].name, at);
    if (name != NULL)
      return name;
  }
  if (points_to (image.data, image.data_end - image.data, at, FALSE))
    return g_strdup ("registry lock");
  return g_strdup (of_glib ? "GMutex of a new element" : "lock of a new element");
}

static gboolean
is_held_of (GstElement *element, const WgHeld *held)
{
  for (guint i = 0; i < held->n; i++) {
    g_autofree gchar *name = name_of_element (element, "", (guintptr) held->locks[i]);
    if (name != NULL)
      return TRUE;
  }
  return FALSE;
}

World *
world_turn_to (World *world, const WgHeld *held)
{
  if (is_held_of (world->a->src, held) || !is_held_of (world->b->src, held))
    return world;
  World *turned = g_new (World, 1);
  *turned = *world;
  turned->a = world->b;
  turned->b = world->a;
  return turned;
}
