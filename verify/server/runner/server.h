/* SPDX-License-Identifier: MIT */
/*
 * server.h: the kinds of server: a real Wolf, and wolf-lab, the small server of its shape.
 *
 * All that differs between them is here: how it is started, where its ports, its socket and its log
 * are, what it can do. Scenarios know neither; they ask `runner->server` what there is.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct Runner Runner;               /* runner.h */
typedef struct RunnerOptions RunnerOptions; /* runner-options.h */

/* What a scenario needs of a server, and what a server has. */
typedef enum {
  SERVER_LOBBIES = 1 << 0,
  SERVER_SWITCHES = 1 << 1, /* each fix can be taken away alone */
  SERVER_CONTROL = 1 << 2,  /* it takes control packets */
  SERVER_SOUND = 1 << 3,    /* it asks a sound server */
  SERVER_SETTINGS = 1 << 4, /* it saves settings, and a launch makes threads */
} ServerAbility;

typedef struct {
  guint http, https, rtsp, video, audio;
} ServerPorts;

typedef struct {
  const gchar *name;    /* in messages */
  const gchar *target;  /* in results */
  const gchar *subject; /* in results: whose commit --commit is */
  const gchar *encoder; /* of video, in an order to the tracer */
  guint abilities;
  /* From what ends it, which may close a connection, to the end of the process; generous. */
  guint dying_ms;
  gboolean own_network; /* its ports are fixed, so that it needs a network of its own */
  gboolean says_ready;  /* on standard output, which is no part of its log then */
  /* Writes what the server reads when it starts. */
  gboolean (*prepare) (const Runner *runner, GError **error);
  /* What it is run with, program included; newly allocated. */
  gchar **(*arguments) (const Runner *runner);
  /* Takes and returns an environment. */
  gchar **(*environment) (const Runner *runner, gchar **env);
  /* Whether it has come as far as serving; fills runner->ports. Does not block. */
  gboolean (*is_up) (Runner *runner);
} Server;

extern const Server server_wolf, server_lab;

G_END_DECLS
