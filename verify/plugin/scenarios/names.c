/* SPDX-License-Identifier: MIT */
/* two of one name. */
#include "scenario.h"

static gboolean
hears_only (Consumer *consumer, Producer *newer, Producer *older)
{
  const guint before = consumer_read (consumer, &consumer->count[older->id]);

  return within (WGI_SOON_MS, producer_push, older) && consumer_gets (consumer, newer)
      && consumer_read (consumer, &consumer->count[older->id]) == before;
}

/* A client's next launch comes while its last pipeline is still there, stuck. */
static void
name_takeover (Result *result)
{
  Producer *oldest = producer_new ("n", 1, 64);
  Consumer *early = consumer_playing ("early", "n");

  must (result, consumer_gets (early, oldest), "the consumer hears the producer");
  go_to_work ();
  phase ("a second node of a name");
  Producer *older = producer_new ("n", 2, 64);
  promise (result, hears_only (early, older, oldest), "a listener moves to the newer node");
  Producer *newest = producer_new ("n", 3, 64);
  promise (result, hears_only (early, newest, older), "and again");
  Consumer *late = consumer_playing ("late", "n");
  promise (result, consumer_gets (late, newest), "a new listener gets the newest");
  phase ("an older node's new name");
  producer_rename (oldest, "m");
  promise (
      result, consumer_gets (early, newest), "an older node's new name leaves the newest alone");
  phase ("an older node's end");
  holds (result, within (WGI_SOON_MS, producer_end, older), "an older node ends");
  promise (result, consumer_gets (early, newest) && consumer_gets (late, newest),
      "an older node's end leaves the newest alone");
  phase ("a new listener after an older node's end");
  Consumer *last = consumer_playing ("last", "n");
  promise (result, consumer_gets (last, newest), "a new listener gets the newest after it");
  holds (result, producer_num_listeners (newest) == 3 && producer_num_listeners (oldest) == 0,
      "each listener is counted where it listens");
}

static void
name_handed_back (Result *result)
{
  Producer *older = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  must (result, consumer_gets (consumer, older), "the consumer hears the producer");
  go_to_work ();
  phase ("a second node of a name");
  Producer *newer = producer_new ("n", 2, 64);
  holds (result, consumer_gets (consumer, newer), "the listener moves to the newer node");
  phase ("its end");
  holds (result, within (WGI_SOON_MS, producer_end, newer), "the newer node ends");
  holds (result, consumer_gets (consumer, older), "the older one serves the name again");
  Consumer *late = consumer_playing ("late", "n");
  promise (result, consumer_gets (late, older), "for new listeners, too");
  phase ("the listeners' end");
  holds (result, consumer_stop (consumer) && consumer_stop (late), "they end");
  promise (result, producer_num_listeners (older) == 0, "and nothing is left of them");
  consumer_drop (consumer);
  consumer_drop (late);
  phase ("a push after it");
  holds (result, within (WGI_SOON_MS, producer_push, older), "the producer goes on");
}

typedef struct {
  Producer *one, *two;
  Consumer *first, *second;
  gboolean first_hears, second_hears;
} SameName;

static SameName
same_name (Result *result, const gchar *second_node)
{
  SameName same = { .one = producer_new ("n1", 1, 64), .two = producer_new ("n2", 2, 64) };

  same.first = consumer_playing ("src", "n1");
  must (result, consumer_gets (same.first, same.one), "the first hears its node");
  go_to_work ();
  phase ("a second source of a name");
  same.second = consumer_playing ("src", second_node);
  same.second_hears =
      consumer_gets (same.second, g_str_equal (second_node, "n1") ? same.one : same.two);
  same.first_hears = consumer_gets (same.first, same.one);
  result_bool (result, "first", same.first_hears);
  result_bool (result, "second", same.second_hears);
  holds (result, producer_num_listeners (same.one) + producer_num_listeners (same.two) == 2,
      "both are counted");
  return same;
}

static void
end_same_name (Result *result, SameName *same)
{
  phase ("the second's end");
  holds (result, consumer_stop (same->second), "the second ends");
  holds (result, consumer_gets (same->first, same->one), "the end of one leaves the other linked");
  phase ("the first's end");
  holds (result, consumer_stop (same->first), "the first ends");
  const guint left = producer_num_listeners (same->one) + producer_num_listeners (same->two);
  result_int (result, "left", left);
  promise (result, left == 0, "nothing is left of them");
  consumer_drop (same->first);
  consumer_drop (same->second);
  phase ("pushes after it");
  holds (result,
      within (WGI_SOON_MS, producer_push, same->one)
          && within (WGI_SOON_MS, producer_push, same->two),
      "the producers go on");
}

static void
same_name_one_node (Result *result)
{
  SameName same = same_name (result, "n1");

  promise (result, same.first_hears && same.second_hears, "two sources of one name get buffers");
  end_same_name (result, &same);
}

static void
same_name_two_nodes (Result *result)
{
  SameName same = same_name (result, "n2");

  holds (result, same.first_hears && same.second_hears, "two sources of one name get buffers");
  end_same_name (result, &same);
}

const Scenario names_scenarios[] = {
  { "name-takeover", "the newest of several nodes of one name", name_takeover, NULL },
  { "name-handed-back", "the newest goes, an older one is still there", name_handed_back, NULL },
  { "same-name-one-node", "two sources of one name, one node", same_name_one_node, NULL },
  { "same-name-two-nodes", "two sources of one name, two nodes", same_name_two_nodes, NULL },
  { 0 },
};
