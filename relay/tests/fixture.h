/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fixture.h: what the tests of the elements are made of. One behaviour a test. What gst-interpipe
 * gets wrong is tested by verify/plugin; here is what relay adds, and what its way of delivering
 * could break.
 *
 * Producers and consumers are harnesses around one element each; buffers and events that tests
 * count have their number as offset. GstCheck ends a test that waits for too long.
 */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#define CAPS(n) "application/x-relay, n=(int)" #n
/* Of a wait that ends by itself only if something is wrong. */
#define SOON_US (5 * G_TIME_SPAN_SECOND)
/* Between two looks at what does not announce itself. */
#define LOOK_US 500
/* For what must not come. */
#define QUIET_US (50 * G_TIME_SPAN_MILLISECOND)

/* Buffers come through the harness's queue, whose lock TSan does not see. */
#define FROM_HARNESS __attribute__ ((no_sanitize ("thread")))

/* The plugin is RELAY_PLUGIN, loaded from its file. */
Suite *suite_new (const gchar *name);
/* How tests are told apart differs between versions of check: by macros only. */
#define ADD(about, test)                                                                           \
  do {                                                                                             \
    TCase *tcase = tcase_create (about);                                                           \
    suite_add_tcase (suite, tcase);                                                                \
    tcase_add_test (tcase, test);                                                                  \
  } while (0)

#define ADD_LOOP(about, test, n)                                                                   \
  do {                                                                                             \
    TCase *tcase = tcase_create (about);                                                           \
    suite_add_tcase (suite, tcase);                                                                \
    tcase_add_loop_test (tcase, test, 0, n);                                                       \
  } while (0)

/* Playing, and with stream-start, caps and segment sent. */
GstHarness *producer_new (const gchar *name, const gchar *caps);
GstHarness *consumer_new (const gchar *listen_to);
GstHarness *consumer_playing (const gchar *listen_to);

GstBuffer *buffer_new (guint number);
void push (GstHarness *h, guint number);
/* The next buffer is that one. */
void expect (GstHarness *h, guint number);
/* The next event of that type. (transfer full) */
GstEvent *await_event (GstHarness *h, GstEventType type);

guint64 stat_of (GstHarness *h, const gchar *name);
void await_stat (GstHarness *h, const gchar *name, guint64 value);

/* Its worker stands still at the next buffer, until go_on() with what this returned. */
gulong stall (GstHarness *h);
void await_stalled (GstHarness *h);
void go_on (GstHarness *h, gulong probe);
