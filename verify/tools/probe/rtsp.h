/* SPDX-License-Identifier: MIT
 *
 * rtsp: one RTSP question on one connection of its own, as Moonlight and Wolf do it.
 *
 * Wolf answers one message a connection and closes it; its answers carry no Content-Length, so that
 * the end of the stream is the end of the answer. Every call waits until its deadline.
 */
#pragma once

#include "conn.h"

#include <glib.h>

typedef struct {
  const char *method; /* "OPTIONS", ... */
  const char *uri;    /* "rtsp://1.2.3.4:48010" or "streamid=video/0/0" */
  const char *
      host; /* the Host header: the address in the session's URL, by which Wolf finds the session */
  guint sequence;   /* CSeq */
  const char *body; /* SDP, or NULL */
  gboolean pieces;  /* of a body: its length comes in pieces, as over a slow network */
} ProbeRtspRequest;

typedef struct {
  ProbePhase phase;    /* DONE, or the one that did not end */
  int status;          /* 0: closed in an orderly way without an answer */
  GHashTable *headers; /* lower-case name -> value; owned */
  char *body;          /* owned */
  double ms;
} ProbeRtspReply;

void probe_rtsp_reply_clear (ProbeRtspReply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProbeRtspReply, probe_rtsp_reply_clear)

/*
 * Asks @request of the server at @host. TRUE if there was an answer, or an orderly close instead of
 * one (Wolf's answer to somebody without a session; status is 0 then). FALSE with @error set.
 * @reply is filled in both cases and is cleared by the caller.
 */
gboolean probe_rtsp_call (const char *host, guint16 port, const ProbeRtspRequest *request,
    gint64 deadline, ProbeRtspReply *reply, GError **error);

/* A header's value or NULL; @name in lower case. */
const char *probe_rtsp_reply_header (const ProbeRtspReply *reply, const char *name);

/* The number after "server_port=" in a Transport header; 0 if there is none. */
guint16 probe_rtsp_reply_server_port (const ProbeRtspReply *reply);

/* Takes an answer apart; FALSE with PROBE_ERROR_PROTOCOL. Apart from probe_rtsp_call() for tests.
 */
gboolean probe_rtsp_reply_parse (const char *text, ProbeRtspReply *reply, GError **error);
