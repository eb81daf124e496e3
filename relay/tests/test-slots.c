/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-slots.c: objects in slots, read and replaced by several threads at once. */
#include "../relay-object.h"

#define READERS 3
#define WRITERS 2
#define ROUNDS 20000
#define ALIVE 0x600d600d
/* More than a slot counts before it moves the number into the object. */
#define READS_OF_ONE 100000

typedef struct {
  RelayObject object;
  guint alive;
  guint number;
} Thing;

static atomic_int made, freed;

static void
thing_free (gpointer data)
{
  Thing *thing = data;

  g_assert_cmphex (thing->alive, ==, ALIVE);
  thing->alive = 0;
  atomic_fetch_add (&freed, 1);
  g_free (thing);
}

static Thing *
thing_new (guint number)
{
  Thing *thing = g_new0 (Thing, 1);

  relay_object_init (thing, thing_free);
  thing->alive = ALIVE;
  thing->number = number;
  atomic_fetch_add (&made, 1);
  return thing;
}

static void
test_references (void)
{
  RelaySlot slot = { 0 };
  Thing *thing = thing_new (1);

  g_assert_null (relay_slot_get (&slot));
  g_assert_null (relay_slot_swap (&slot, relay_ref (thing)));
  for (guint i = 0; i < READS_OF_ONE; i++)
    g_assert_true (relay_slot_get (&slot) == thing);
  for (guint i = 0; i < READS_OF_ONE; i++)
    relay_unref (thing);
  g_assert_true (relay_slot_swap (&slot, NULL) == thing);
  relay_unref (thing);
  g_assert_true (relay_is_only (thing));
  relay_unref (thing);
  g_assert_cmpint (freed, ==, made);
}

static void
test_cas (void)
{
  RelaySlot slot = { 0 };
  Thing *one = thing_new (1), *two = thing_new (2);

  g_assert_false (relay_slot_cas (&slot, one, two));
  g_assert_true (relay_is_only (two));
  g_assert_true (relay_slot_cas (&slot, NULL, relay_ref (one)));
  g_assert_false (relay_slot_cas (&slot, NULL, two));
  g_assert_true (relay_slot_cas (&slot, one, relay_ref (two)));
  g_assert_true (relay_is_only (one));
  relay_unref (one);
  relay_unref (relay_slot_swap (&slot, NULL));
  g_assert_true (relay_is_only (two));
  relay_unref (two);
  g_assert_cmpint (freed, ==, made);
}

/* Leak checkers look for addresses, word by word. */
static void
test_addresses_show (void)
{
  RelaySlot slot = { 0 };
  Thing *thing = thing_new (1);

  relay_unref (relay_slot_swap (&slot, thing));
  for (guint i = 0; i < 3; i++)
    relay_unref (relay_slot_get (&slot));
  gboolean shows = FALSE;
  for (gsize i = 0; i < sizeof slot / sizeof (gpointer); i++)
    shows = shows || ((gpointer *) &slot)[i] == thing;
  g_assert_true (shows);
  relay_unref (relay_slot_swap (&slot, NULL));
  g_assert_cmpint (freed, ==, made);
}

static RelaySlot shared;
static atomic_bool stop;

static gpointer
read_things (gpointer unused)
{
  guint reads = 0;
  (void) unused;

  while (!atomic_load (&stop)) {
    Thing *thing = relay_slot_get (&shared);
    if (thing == NULL)
      continue;
    g_assert_cmphex (thing->alive, ==, ALIVE);
    relay_unref (thing);
    reads++;
  }
  return GUINT_TO_POINTER (reads);
}

static gpointer
write_things (gpointer unused)
{
  (void) unused;
  for (guint i = 0; i < ROUNDS; i++) {
    Thing *seen = relay_slot_get (&shared);
    Thing *thing = thing_new (i);
    if (!relay_slot_cas (&shared, seen, thing))
      relay_unref (thing);
    relay_unref (seen);
    if (i % 16 == 0)
      relay_unref (relay_slot_swap (&shared, thing_new (i)));
  }
  return NULL;
}

static void
test_threads (void)
{
  GThread *readers[READERS], *writers[WRITERS];

  atomic_store (&stop, FALSE);
  for (guint i = 0; i < READERS; i++)
    readers[i] = g_thread_new ("reader", read_things, NULL);
  for (guint i = 0; i < WRITERS; i++)
    writers[i] = g_thread_new ("writer", write_things, NULL);
  for (guint i = 0; i < WRITERS; i++)
    g_thread_join (writers[i]);
  atomic_store (&stop, TRUE);
  for (guint i = 0; i < READERS; i++)
    g_thread_join (readers[i]);
  relay_unref (relay_slot_swap (&shared, NULL));
  g_assert_cmpint (freed, ==, made);
}

static RelaySlot list;

static gboolean
is_number (gpointer member, gconstpointer number)
{
  return ((Thing *) member)->number == GPOINTER_TO_UINT (number);
}

/* Puts things in and takes them out again; none of another thread may be lost. */
static gpointer
change_list (gpointer data)
{
  const guint first = GPOINTER_TO_UINT (data);

  for (guint i = 0; i < ROUNDS / 10; i++) {
    Thing *thing = thing_new (first + i % 2);
    relay_list_change (&list, NULL, NULL, thing);
    relay_unref (thing);
    if (i > 0)
      relay_list_change (&list, is_number, GUINT_TO_POINTER (first + (i + 1) % 2), NULL);
  }
  return NULL;
}

static void
test_lists (void)
{
  GThread *threads[READERS];

  for (guint i = 0; i < READERS; i++)
    threads[i] = g_thread_new ("changer", change_list, GUINT_TO_POINTER (10 * (i + 1)));
  for (guint i = 0; i < READERS; i++)
    g_thread_join (threads[i]);
  RelayList *last = relay_slot_swap (&list, NULL);
  g_assert_cmpuint (last->len, ==, READERS);
  g_assert_cmpuint (last->version, ==, READERS * (ROUNDS / 10 * 2 - 1));
  relay_unref (last);
  g_assert_cmpint (freed, ==, made);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slots/references", test_references);
  g_test_add_func ("/slots/cas", test_cas);
  g_test_add_func ("/slots/addresses", test_addresses_show);
  g_test_add_func ("/slots/threads", test_threads);
  g_test_add_func ("/slots/lists", test_lists);
  return g_test_run ();
}
