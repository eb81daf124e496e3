/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-inbox.c: the queue alone, filled and emptied by several threads at once. */
#include "../relay-inbox.h"
#include "fixture.h"

#define PRODUCERS 4
#define PUTS 5000

GST_DEBUG_CATEGORY (relay_src_debug);

static guint
deliver (RelayInbox *inbox, gpointer data, gboolean *more)
{
  (void) inbox, (void) data, (void) more;
  return 0;
}

static RelayInbox *
inbox_new (void)
{
  g_autoptr (GstPad) pad = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  RelayInbox *inbox = relay_inbox_new (pad, deliver, NULL, NULL);

  atomic_store (&inbox->accepting, TRUE);
  return inbox;
}

static guint64
dropped (RelayInbox *inbox, RelayDrop why)
{
  return atomic_load (&inbox->stats.dropped[why]);
}

static RelayPut
put_buffer (RelayInbox *inbox, guint producer, guint n, GstClockTime time)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  g_autoptr (RelayItem) item = NULL;

  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_OFFSET (buffer) = producer;
  GST_BUFFER_OFFSET_END (buffer) = n;
  item = relay_item_new (RELAY_DATA, GST_MINI_OBJECT_CAST (buffer), NULL);
  return relay_inbox_put (inbox, &item->entries[0], NULL);
}

static RelayPut
put_event (RelayInbox *inbox, RelayKind kind, GstEvent *event)
{
  g_autoptr (RelayItem) item = relay_item_new (kind, GST_MINI_OBJECT_CAST (event), NULL);

  gst_event_unref (event);
  return relay_inbox_put (inbox, &item->entries[0], NULL);
}

static GstEvent *
custom_event (void)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("relay-test"));
}

/* What is taken is the buffer of that number. */
static void
expect_taken (RelayInbox *inbox, guint n)
{
  RelayEntry *entry = relay_inbox_take (inbox);

  fail_unless (entry != NULL, "buffer %u is not there", n);
  fail_unless_equals_int (entry->item->kind, RELAY_DATA);
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (entry->item->content), n);
  relay_unref (entry->item);
}

GST_START_TEST (test_levels)
{
  RelayInbox *inbox = inbox_new ();

  fail_unless_equals_uint64 (relay_inbox_get_time (inbox), 0);
  for (guint n = 0; n < 5; n++)
    fail_unless_equals_int (put_buffer (inbox, 0, n, n * GST_SECOND), RELAY_PUT);
  put_event (inbox, RELAY_EVENT, custom_event ());
  fail_unless_equals_uint64 (atomic_load (&inbox->buffers), 5);
  fail_unless_equals_uint64 (atomic_load (&inbox->events), 1);
  fail_unless_equals_uint64 (relay_inbox_get_time (inbox), 4 * GST_SECOND);
  expect_taken (inbox, 0);
  expect_taken (inbox, 1);
  fail_unless_equals_uint64 (relay_inbox_get_time (inbox), 2 * GST_SECOND);
  for (guint n = 2; n < 5; n++)
    expect_taken (inbox, n);
  relay_inbox_clear (inbox);
  fail_unless_equals_uint64 (atomic_load (&inbox->events), 0);
  fail_unless_equals_uint64 (relay_inbox_get_time (inbox), 0);
  fail_unless (relay_inbox_is_empty (inbox));
  /* The time of what comes now does not reach back. */
  put_buffer (inbox, 0, 9, 9 * GST_SECOND);
  fail_unless_equals_uint64 (relay_inbox_get_time (inbox), 0);
  relay_unref (inbox);
}
GST_END_TEST

/* Also when a taker has left some behind before the last ones came. */
GST_START_TEST (test_max_time)
{
  RelayInbox *inbox = inbox_new ();

  atomic_store (&inbox->limits.max_time, 3 * GST_SECOND);
  atomic_store (&inbox->limits.set, RELAY_LIMIT_TIME);
  for (guint n = 0; n < 4; n++)
    fail_unless_equals_int (put_buffer (inbox, 0, n, n * GST_SECOND), RELAY_PUT);
  fail_unless_equals_int (put_buffer (inbox, 0, 4, 4 * GST_SECOND), RELAY_DROPPED);
  expect_taken (inbox, 0);
  fail_unless_equals_int (put_buffer (inbox, 0, 5, 4 * GST_SECOND), RELAY_PUT);
  fail_unless_equals_int (put_buffer (inbox, 0, 6, 5 * GST_SECOND), RELAY_DROPPED);
  for (guint n = 1; n < 4; n++)
    expect_taken (inbox, n);
  expect_taken (inbox, 5);
  fail_unless_equals_uint64 (dropped (inbox, RELAY_DROP_FULL), 2);
  relay_unref (inbox);
}
GST_END_TEST

/* Buffers without bytes take memory, too. */
GST_START_TEST (test_backlog_counts_overhead)
{
  RelayInbox *inbox = inbox_new ();

  atomic_store (&inbox->limits.backlog, 10 * RELAY_OVERHEAD);
  for (guint n = 0; n < 10; n++)
    fail_unless_equals_int (put_buffer (inbox, 0, n, GST_CLOCK_TIME_NONE), RELAY_PUT);
  fail_unless_equals_int (put_buffer (inbox, 0, 10, GST_CLOCK_TIME_NONE), RELAY_DROPPED);
  relay_unref (inbox);
}
GST_END_TEST

/* Only buffers leak; events among them stay, in their order. */
GST_START_TEST (test_leaky_keeps_events)
{
  RelayInbox *inbox = inbox_new ();
  RelayEntry *entry;

  atomic_store (&inbox->limits.leaky, GST_APP_LEAKY_TYPE_DOWNSTREAM);
  atomic_store (&inbox->limits.max_buffers, 2);
  for (guint n = 0; n < 6; n++) {
    put_event (inbox, RELAY_EVENT, custom_event ());
    fail_unless_equals_int (put_buffer (inbox, 0, n, GST_CLOCK_TIME_NONE), RELAY_PUT);
  }
  fail_unless_equals_uint64 (dropped (inbox, RELAY_DROP_LEAKY), 4);
  for (guint n = 0; n < 5; n++) {
    entry = relay_inbox_take (inbox);
    fail_unless_equals_int (entry->item->kind, RELAY_EVENT);
    relay_unref (entry->item);
  }
  expect_taken (inbox, 4);
  entry = relay_inbox_take (inbox);
  fail_unless_equals_int (entry->item->kind, RELAY_EVENT);
  relay_unref (entry->item);
  expect_taken (inbox, 5);
  fail_unless (relay_inbox_take (inbox) == NULL);
  relay_unref (inbox);
}
GST_END_TEST

/* ---- several threads ---- */

typedef struct {
  RelayInbox *inbox;
  guint number;
  atomic_uint put;
} Producer;

static gpointer
put_many (gpointer data)
{
  Producer *self = data;

  for (guint n = 1; n <= PUTS; n++)
    if (put_buffer (self->inbox, self->number, n, n * GST_MSECOND) == RELAY_PUT)
      atomic_fetch_add (&self->put, 1);
  return NULL;
}

/* Takes until all producers are done and nothing is left. Each producer's buffers come in its
 * order.
 * @late: those that do not, which only a leaky producer may cause. Returns: how many came */
static guint
take_all (RelayInbox *inbox, GThread *threads[PRODUCERS], atomic_uint *running, guint *late)
{
  guint64 last[PRODUCERS] = { 0 }, numbers[PRODUCERS] = { 0 };
  guint taken = 0;

  for (;;) {
    const gboolean done = atomic_load (running) == 0;
    RelayEntry *entry = relay_inbox_take (inbox);
    if (entry == NULL && done)
      break;
    if (entry == NULL) {
      g_thread_yield ();
      continue;
    }
    const GstBuffer *buffer = GST_BUFFER_CAST (entry->item->content);
    const guint from = (guint) GST_BUFFER_OFFSET (buffer);
    const guint64 n = GST_BUFFER_OFFSET_END (buffer);
    /* Lateness shows in the numbers: that is how the stream knows. */
    fail_unless_equals_int (n < last[from], entry->number < numbers[from]);
    *late += n < last[from];
    last[from] = MAX (last[from], n);
    numbers[from] = MAX (numbers[from], entry->number);
    taken++;
    relay_unref (entry->item);
  }
  for (guint i = 0; i < PRODUCERS; i++)
    g_thread_join (threads[i]);
  return taken;
}

static atomic_uint running;

static gpointer
put_many_and_tell (gpointer data)
{
  put_many (data);
  atomic_fetch_sub (&running, 1);
  return NULL;
}

/* Returns: how many were put */
static guint
run_producers (RelayInbox *inbox, guint *taken, guint *late)
{
  GThread *threads[PRODUCERS];
  Producer producers[PRODUCERS];
  guint put = 0;

  atomic_store (&running, PRODUCERS);
  for (guint i = 0; i < PRODUCERS; i++) {
    producers[i] = (Producer){ .inbox = inbox, .number = i };
    threads[i] = g_thread_new ("producer", put_many_and_tell, &producers[i]);
  }
  *late = 0;
  *taken = take_all (inbox, threads, &running, late);
  for (guint i = 0; i < PRODUCERS; i++)
    put += atomic_load (&producers[i].put);
  fail_unless_equals_uint64 (atomic_load (&inbox->buffers), 0);
  fail_unless_equals_uint64 (relay_inbox_get_time (inbox), 0);
  return put;
}

GST_START_TEST (test_threads)
{
  RelayInbox *inbox = inbox_new ();
  guint taken, late;

  fail_unless_equals_int (run_producers (inbox, &taken, &late), PRODUCERS * PUTS);
  fail_unless_equals_int (taken, PRODUCERS * PUTS);
  fail_unless_equals_int (late, 0);
  relay_unref (inbox);
}
GST_END_TEST

GST_START_TEST (test_threads_leaky)
{
  RelayInbox *inbox = inbox_new ();
  guint taken, late, put;

  atomic_store (&inbox->limits.leaky, GST_APP_LEAKY_TYPE_DOWNSTREAM);
  atomic_store (&inbox->limits.max_buffers, 4);
  put = run_producers (inbox, &taken, &late);
  fail_unless_equals_uint64 (put, taken + dropped (inbox, RELAY_DROP_LEAKY));
  fail_unless_equals_uint64 (put + dropped (inbox, RELAY_DROP_FULL), PRODUCERS * PUTS);
  relay_unref (inbox);
}
GST_END_TEST

/* A thread that is away, or has ended, with all that waits in its hands: nobody waits for it. */
GST_START_TEST (test_taker_stays_away)
{
  RelayInbox *inbox = inbox_new ();
  RelayEntry *hands;

  for (guint n = 0; n < 3; n++)
    put_buffer (inbox, 0, n, GST_CLOCK_TIME_NONE);
  hands = atomic_exchange (&inbox->stack, NULL);
  fail_unless (relay_inbox_take (inbox) == NULL);
  for (guint n = 3; n < 6; n++)
    fail_unless_equals_int (put_buffer (inbox, 0, n, GST_CLOCK_TIME_NONE), RELAY_PUT);
  expect_taken (inbox, 3);
  for (guint n = 4; n < 6; n++)
    expect_taken (inbox, n);
  while (hands != NULL) {
    RelayEntry *entry = hands;
    hands = entry->next;
    relay_unref (entry->item);
  }
  relay_unref (inbox);
}
GST_END_TEST

static Suite *
relay_inbox_suite (void)
{
  Suite *suite = suite_create ("relay-inbox");

  GST_DEBUG_CATEGORY_INIT (relay_src_debug, "relay-inbox", 0, "the queue alone");
  ADD ("levels", test_levels);
  ADD ("max-time", test_max_time);
  ADD ("backlog counts overhead", test_backlog_counts_overhead);
  ADD ("leaky keeps events", test_leaky_keeps_events);
  ADD ("threads", test_threads);
  ADD ("threads, leaky", test_threads_leaky);
  ADD ("taker stays away", test_taker_stays_away);
  return suite;
}

GST_CHECK_MAIN (relay_inbox);
