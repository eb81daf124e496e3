/* SPDX-License-Identifier: MIT */
/* scenarios-lifetime.c: something goes away while somebody else uses it. */
#include "fixture.h"

/* More messages than the plugin logs in any of these calls. */
#define MOMENTS 6

static gboolean
complained (void)
{
  return g_atomic_int_get (&wgi_account->criticals) + g_atomic_int_get (&wgi_account->warnings) > 0;
}

/* After a node went away in the midst of `what`, the consumer must find the next of that name. */
static void
judge_lifetime (Result *result, Take *take, const Window *window, gboolean returned)
{
  const gboolean bad = !returned || complained ();

  result_int (result, "moments", window->opened);
  result_bool (result, "returned", returned);
  expect_fault (result, bad, "a node that has gone is used");
  holds (result, returned, "the call returns");
  if (bad)
    return;
  phase ("a new node of the same name");
  Feed *next = feed_new ("n", 2, 64);
  holds (result, next != NULL && take_gets (take, next), "the next node of that name is heard");
}

/* The consumer is asked for its caps by the node that it is about to listen to. */
void
scenario_node_lifetime_listen (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", NULL);
  Window window = { .act = feed_end, .data = feed };

  take->on_caps_query = window_open;
  take->on_caps_query_data = &window;
  go_to_work ();
  phase ("listen-to, and the node's last reference goes meanwhile");
  const gboolean returned = take_listen (take, "n", WGI_SOON_MS);
  take->on_caps_query = NULL;
  window_close (&window);
  judge_lifetime (result, take, &window, returned);
}

static void
send_event (gpointer data)
{
  Take *take = data;

  gst_pad_push_event (take->pad,
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("wgi-up")));
}

static void
send_query (gpointer data)
{
  Take *take = data;
  g_autoptr (GstQuery) query = gst_query_new_context ("wgi");

  gst_pad_peer_query (take->pad, query);
}

static void
lifetime_while (Result *result, Act act, const gchar *what)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");
  Window window = { .act = feed_end, .data = feed };

  must (result, take_gets (take, feed), "the consumer hears the producer");
  go_to_work ();
  phase ("%s, and the node's last reference goes meanwhile", what);
  const gboolean returned =
      job_wait (job_start_with_logs (act, take, window_open, &window), WGI_SOON_MS);
  window_close (&window);
  judge_lifetime (result, take, &window, returned);
}

void
scenario_node_lifetime_event (Result *result)
{
  lifetime_while (result, send_event, "an upstream event");
}

void
scenario_node_lifetime_query (Result *result)
{
  lifetime_while (result, send_query, "a context query");
}

static void
stop_and_drop (gpointer data)
{
  Take *take = data;

  gst_element_set_state (take->src, GST_STATE_NULL);
  take_drop (take);
}

/* A consumer ends at the given moment of its node's end. Whether nothing is left of either. */
static gboolean
leave_at (gint moment)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *stays = take_playing ("stays", "n");
  Take *leaves = take_playing ("leaves", "n");
  Window window = { .act = stop_and_drop, .data = leaves, .at = moment };

  if (feed == NULL)
    return FALSE;
  phase ("a node goes, at message %d one of its listeners", moment);
  if (!job_wait (job_start_with_logs (feed_end, feed, window_open, &window), WGI_SOON_MS)
      || !window_close (&window))
    return FALSE;
  phase ("another node after moment %d", moment);
  Feed *next = feed_new ("n", 2, 64);
  if (next == NULL)
    return FALSE;
  phase ("listen again after moment %d", moment);
  Take *again = take_playing ("leaves", "n");
  const gboolean well = take_gets (stays, next) && take_gets (again, next)
      && feed_num_listeners (next) == 2 && !complained ();
  return well && within (WGI_SOON_MS, stop_and_drop, stays)
      && within (WGI_SOON_MS, stop_and_drop, again) && feed_num_listeners (next) == 0
      && within (WGI_SOON_MS, feed_end, next);
}

void
scenario_failed_leave (Result *result)
{
  gint moment = 0;

  go_to_work ();
  while (moment < MOMENTS && leave_at (moment))
    moment++;
  if (moment < MOMENTS)
    result_int (result, "went_wrong_at", moment);
  promise (result, moment == MOMENTS, "nothing is left of a listener that left");
}

void
scenario_renamed_source (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");

  must (result, take_gets (take, feed), "the consumer hears the producer");
  go_to_work ();
  phase ("a listener's new name");
  gst_object_set_name (GST_OBJECT (take->src), "renamed");
  promise (result, take_stop (take) && feed_num_listeners (feed) == 0,
      "a listener with a new name leaves its node");
  take_drop (take);
  phase ("a push after a renamed listener's end");
  holds (result, within (WGI_SOON_MS, feed_push, feed), "the producer goes on");
  phase ("a new node after a renamed listener's end");
  holds (result, feed_new ("n2", 2, 64) != NULL, "a new node comes");
}

/* A node that is called otherwise is another node to those who listen to its name. */
void
scenario_renamed_node (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");

  must (result, take_gets (take, feed), "the consumer hears the producer");
  go_to_work ();
  phase ("a node's new name");
  feed_rename (feed, "m");
  promise (result, feed_num_listeners (feed) == 0, "listeners leave a node with another name");
  Feed *next = feed_new ("n", 2, 64);
  holds (result, next != NULL && take_gets (take, next), "the next node of that name is heard");
  const guint before = take_read (take, &take->count[1]);
  holds (result, within (WGI_SOON_MS, feed_push, feed) && take_settle (take), "both go on");
  promise (result, take_read (take, &take->count[1]) == before, "the renamed node is not heard");
  feed_rename (feed, "k");
  holds (result, take_listen (take, "k", WGI_SOON_MS) && take_gets (take, feed),
      "it is heard under its new name");
  phase ("a listener's end after a node's new name");
  holds (result, take_stop (take), "the listener ends");
  take_drop (take);
  phase ("a push after it");
  holds (result, within (WGI_SOON_MS, feed_push, feed), "the producer goes on");
}
