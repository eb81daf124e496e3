/* SPDX-License-Identifier: MIT
 *
 * options.h: the switches, each between before and after the series.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* FALSE is before, TRUE is after. */
typedef struct {
  gboolean guard_stop;        /* handlers stop the loop | send EOS from where they are */
  gboolean close_on_error;    /* close the socket | leave it to the last reference */
  gboolean bare_children;     /* children get their standard streams only | every socket */
  gboolean tokens;            /* launch tokens | none */
  gboolean records;           /* lifecycle records | none */
  gboolean pad_input;         /* events to the pad, on the worker | to the element, at once */
  gboolean bounded_shutdown;  /* bounded | exit() while everything runs */
  gboolean close_malformed;   /* refused | the process ends */
  gboolean own_containers;    /* stopped by the program's thread | by the one that fires STOP */
  gboolean check_docker;      /* answers have a limit and are checked | neither */
  gboolean limit_rtsp;        /* a silent connection ends | stays */
  gboolean accept_again;      /* after a failed accept: a pause | the API listens no more */
  gboolean own_icons;         /* downloaded by the dispatcher | by the HTTPS thread */
  gboolean limit_connections; /* so many | as many as come */
  gboolean limit_pairing;     /* let go, told apart | held, by address */
  gboolean limit_pings;       /* the wait for the first ping ends after 30 s | with the session */
  gboolean own_log;           /* written by a thread of its own | by whoever has something to say */
  gboolean watch;             /* the scanner and the health socket are there | are not */

  /* These are no patch's. */
  gboolean interpipe;       /* hand over through gst-interpipe | appsink and appsrc */
  gboolean relayed_audio;   /* a producer has the tone | the consumer has it itself */
  gboolean wolf_ports;      /* Wolf's | free ones */
  gboolean leak_references; /* planted, for controls: of connections and sessions something stays */
  gchar *dir;
} LabOptions;

/* Fills `options`. FALSE: `error` says what is wrong, in one line. --help prints and exits. */
gboolean lab_options_parse (LabOptions *options, gint argc, gchar **argv, GError **error);
void lab_options_clear (LabOptions *options);

/* "stop=guard on-error=close …", newly allocated. */
gchar *lab_options_describe (const LabOptions *options);

G_END_DECLS
