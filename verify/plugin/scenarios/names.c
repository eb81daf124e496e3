/* SPDX-License-Identifier: MIT */
/* scenarios-names.c: two of one name. */
#include "fixture.h"

static gboolean
hears_only (Take *take, Feed *newer, Feed *older)
{
  const guint before = take_read (take, &take->count[older->id]);

  return within (WGI_SOON_MS, feed_push, older) && take_gets (take, newer)
      && take_read (take, &take->count[older->id]) == before;
}

/* A client's next launch comes while its last pipeline is still there, stuck. */
void
scenario_name_takeover (Result *result)
{
  Feed *oldest = feed_new ("n", 1, 64);
  Take *early = take_playing ("early", "n");

  must (result, take_gets (early, oldest), "the consumer hears the producer");
  go_to_work ();
  phase ("a second node of a name");
  Feed *older = feed_new ("n", 2, 64);
  promise (result, hears_only (early, older, oldest), "a listener moves to the newer node");
  Feed *newest = feed_new ("n", 3, 64);
  promise (result, hears_only (early, newest, older), "and again");
  Take *late = take_playing ("late", "n");
  promise (result, take_gets (late, newest), "a new listener gets the newest");
  phase ("an older node's new name");
  feed_rename (oldest, "m");
  promise (result, take_gets (early, newest), "an older node's new name leaves the newest alone");
  phase ("an older node's end");
  holds (result, within (WGI_SOON_MS, feed_end, older), "an older node ends");
  promise (result, take_gets (early, newest) && take_gets (late, newest),
      "an older node's end leaves the newest alone");
  phase ("a new listener after an older node's end");
  Take *last = take_playing ("last", "n");
  promise (result, take_gets (last, newest), "a new listener gets the newest after it");
  holds (result, feed_num_listeners (newest) == 3 && feed_num_listeners (oldest) == 0,
      "each listener is counted where it listens");
}

void
scenario_name_handed_back (Result *result)
{
  Feed *older = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");

  must (result, take_gets (take, older), "the consumer hears the producer");
  go_to_work ();
  phase ("a second node of a name");
  Feed *newer = feed_new ("n", 2, 64);
  holds (result, take_gets (take, newer), "the listener moves to the newer node");
  phase ("its end");
  holds (result, within (WGI_SOON_MS, feed_end, newer), "the newer node ends");
  holds (result, take_gets (take, older), "the older one serves the name again");
  Take *late = take_playing ("late", "n");
  promise (result, take_gets (late, older), "for new listeners, too");
  phase ("the listeners' end");
  holds (result, take_stop (take) && take_stop (late), "they end");
  promise (result, feed_num_listeners (older) == 0, "and nothing is left of them");
  take_drop (take);
  take_drop (late);
  phase ("a push after it");
  holds (result, within (WGI_SOON_MS, feed_push, older), "the producer goes on");
}

typedef struct {
  Feed *one, *two;
  Take *first, *second;
  gboolean first_hears, second_hears;
} SameName;

static SameName
same_name (Result *result, const gchar *second_node)
{
  SameName same = { .one = feed_new ("n1", 1, 64), .two = feed_new ("n2", 2, 64) };

  same.first = take_playing ("src", "n1");
  must (result, take_gets (same.first, same.one), "the first hears its node");
  go_to_work ();
  phase ("a second source of a name");
  same.second = take_playing ("src", second_node);
  same.second_hears =
      take_gets (same.second, g_str_equal (second_node, "n1") ? same.one : same.two);
  same.first_hears = take_gets (same.first, same.one);
  result_bool (result, "first", same.first_hears);
  result_bool (result, "second", same.second_hears);
  holds (result, feed_num_listeners (same.one) + feed_num_listeners (same.two) == 2,
      "both are counted");
  return same;
}

static void
end_same_name (Result *result, SameName *same)
{
  phase ("the second's end");
  holds (result, take_stop (same->second), "the second ends");
  holds (result, take_gets (same->first, same->one), "the end of one leaves the other linked");
  phase ("the first's end");
  holds (result, take_stop (same->first), "the first ends");
  const guint left = feed_num_listeners (same->one) + feed_num_listeners (same->two);
  result_int (result, "left", left);
  promise (result, left == 0, "nothing is left of them");
  take_drop (same->first);
  take_drop (same->second);
  phase ("pushes after it");
  holds (result,
      within (WGI_SOON_MS, feed_push, same->one) && within (WGI_SOON_MS, feed_push, same->two),
      "the producers go on");
}

void
scenario_same_name_one_node (Result *result)
{
  SameName same = same_name (result, "n1");

  promise (result, same.first_hears && same.second_hears, "two sources of one name get buffers");
  end_same_name (result, &same);
}

void
scenario_same_name_two_nodes (Result *result)
{
  SameName same = same_name (result, "n2");

  holds (result, same.first_hears && same.second_hears, "two sources of one name get buffers");
  end_same_name (result, &same);
}
