/* SPDX-License-Identifier: MIT */
/* scenarios.h: the list of all scenarios. Each is in a file of ../scenarios. */
#pragma once

#include "result.h" /* verify/report/result */
#include "runner.h"

G_BEGIN_DECLS

typedef struct {
  const gchar *name;
  const gchar *about;
  void (*run) (Runner *runner, Result *result);
  guint clients;
  guint long_clients; /* in a long run; 0: the same */
  guint limit_s;      /* after this the scenario is killed and has failed */
  guint needs;        /* abilities of a server; without them it is left out */
  gboolean engine;    /* a container engine is beside its server (daemon.h) */
  gboolean icons;     /* a server of icons is beside its server (icons.h) */
  gboolean one_arena; /* its server's malloc() has one arena: memory that it keeps is a leak then */
} Scenario;

extern const Scenario scenarios[];

void scenario_timeline (Runner *runner, Result *result);
void scenario_cancel_stuck_create (Runner *runner, Result *result);
void scenario_cancel_stuck_push (Runner *runner, Result *result);
void scenario_cancel_stuck_start (Runner *runner, Result *result);
void scenario_cancel_dead (Runner *runner, Result *result);
void scenario_cancel_many (Runner *runner, Result *result);
void scenario_api_stop_stuck (Runner *runner, Result *result);
void scenario_pause_stuck_source (Runner *runner, Result *result);
void scenario_pause_stuck_encoder (Runner *runner, Result *result);
void scenario_input_while_ending (Runner *runner, Result *result);
void scenario_input_pressure (Runner *runner, Result *result);
void scenario_input_state_lock (Runner *runner, Result *result);
void scenario_stop_storm (Runner *runner, Result *result);
void scenario_relaunch (Runner *runner, Result *result);
void scenario_thread_ends (Runner *runner, Result *result);
void scenario_malformed (Runner *runner, Result *result);
void scenario_idle (Runner *runner, Result *result);
void scenario_race_api (Runner *runner, Result *result);
void scenario_race_launch (Runner *runner, Result *result);
void scenario_stop_at_each_moment (Runner *runner, Result *result);
void scenario_return_at_once (Runner *runner, Result *result);
void scenario_cancel_before_ping (Runner *runner, Result *result);
void scenario_lobby_switch (Runner *runner, Result *result);
void scenario_lobby_cancel_stuck_create (Runner *runner, Result *result);
void scenario_lobby_cancel_stuck_push (Runner *runner, Result *result);
void scenario_lobby_leave_stuck (Runner *runner, Result *result);
void scenario_lobby_stop_stuck (Runner *runner, Result *result);
void scenario_lobby_start_stuck (Runner *runner, Result *result);
void scenario_lobby_switch_stuck (Runner *runner, Result *result);
void scenario_lobby_stop_at_each_moment (Runner *runner, Result *result);
void scenario_race_lobby (Runner *runner, Result *result);
void scenario_switch_storm (Runner *runner, Result *result);
void scenario_cycles (Runner *runner, Result *result);
void scenario_sigterm_streaming (Runner *runner, Result *result);
void scenario_sigterm_quarantine (Runner *runner, Result *result);
void scenario_abuse (Runner *runner, Result *result);
void scenario_inherited (Runner *runner, Result *result);
void scenario_container_cancel_held (Runner *runner, Result *result);
void scenario_container_api_stop_held (Runner *runner, Result *result);
void scenario_rounds (Runner *runner, Result *result);
void scenario_container_garbage (Runner *runner, Result *result);
void scenario_sigterm_container_held (Runner *runner, Result *result);
void scenario_rtsp_silent (Runner *runner, Result *result);
void scenario_descriptors (Runner *runner, Result *result);
void scenario_descriptors_launch (Runner *runner, Result *result);
void scenario_start_engine_silent (Runner *runner, Result *result);
void scenario_start_sound_silent (Runner *runner, Result *result);
void scenario_launch_while_starting (Runner *runner, Result *result);
void scenario_ping_missing (Runner *runner, Result *result);
void scenario_connections (Runner *runner, Result *result);
void scenario_pair_abandoned (Runner *runner, Result *result);
void scenario_pair_two (Runner *runner, Result *result);
void scenario_icons_held (Runner *runner, Result *result);
void scenario_icons_refused (Runner *runner, Result *result);
void scenario_child_killed (Runner *runner, Result *result);
void scenario_log_blocked (Runner *runner, Result *result);
void scenario_sigterm_log_blocked (Runner *runner, Result *result);
void scenario_lobby_input_early (Runner *runner, Result *result);
void scenario_threads_refused (Runner *runner, Result *result);
void scenario_settings_disk_full (Runner *runner, Result *result);
void scenario_settings_cut (Runner *runner, Result *result);
void scenario_settings_read_only (Runner *runner, Result *result);
void scenario_settings_removed (Runner *runner, Result *result);
void scenario_state_silent_launch (Runner *runner, Result *result);
void scenario_state_silent_settings (Runner *runner, Result *result);
void scenario_sound_lost (Runner *runner, Result *result);
void scenario_sigterm_sound_silent (Runner *runner, Result *result);
void scenario_watch_streams (Runner *runner, Result *result);
void scenario_watch_encoder (Runner *runner, Result *result);
void scenario_watch_handlers (Runner *runner, Result *result);
void scenario_watch_canary (Runner *runner, Result *result);
void scenario_recover (Runner *runner, Result *result);
void scenario_watch_loops (Runner *runner, Result *result);
void scenario_watch_scanner (Runner *runner, Result *result);
void scenario_watch_dispatcher (Runner *runner, Result *result);
void scenario_watch_full (Runner *runner, Result *result);
void scenario_calm (Runner *runner, Result *result);
void scenario_calm_stopped (Runner *runner, Result *result);
void scenario_calm_burst (Runner *runner, Result *result);
void scenario_calm_shutdown (Runner *runner, Result *result);

G_END_DECLS
