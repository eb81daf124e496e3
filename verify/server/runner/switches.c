/* SPDX-License-Identifier: MIT */
/*
 * switches.c: which scenario each fix of the lab's is for.
 *
 * A run without one fix (`wolf-scenarios --without`) must fail in exactly the scenarios of its
 * line. "may" are those that look for a race by luck, or that see the same fault among others.
 */
#include "switches.h"

#include "tally.h"

const Switch switches[] = {
  { "stop", "--stop=eos",
      "cancel-*,api-stop-stuck,pause-stuck-*,stop-at-each-moment,timeline,stop-storm,relaunch,"
      "sigterm-streaming,thread-ends,input-pressure",
      "input-while-ending,sigterm-quarantine,cancel-before-ping,watch-*,recover" },
  { "tokens", "--tokens=off", "cancel-before-ping,stop-at-each-moment",
      "race-api,race-launch,return-at-once,stop-storm" },
  { "input", "--input=element", "input-state-lock,input-pressure", "input-while-ending" },
  { "inherit", "--inherit=yes", "inherited", "" },
  { "threads", "--threads=plain", "thread-ends", "" },
  { "shutdown", "--shutdown=exit", "sigterm-streaming", "sigterm-quarantine" },
  { "malformed", "--malformed=die", "malformed", "" },
  { "containers", "--containers=bus", "container-cancel-held,container-api-stop-held,rounds",
      "sigterm-container-held" },
  { "docker", "--docker=trust", "container-garbage,start-engine-silent", "" },
  { "rtsp", "--rtsp=keep", "rtsp-silent", "" },
  { "accept", "--accept=once", "descriptors", "" },
  { "icons", "--icons=thread", "icons-held,icons-refused", "watch-dispatcher" },
  { "connections", "--connections=all", "connections", "" },
  { "pairing", "--pairing=keep", "pair-*", "" },
  { "pings", "--pings=wait", "ping-missing", "" },
  { "log", "--log=wait", "log-blocked,sigterm-log-blocked", "" },
  { "watch", "--watch=off", "watch-*,calm*", "" },
  /* Measured on the real Wolf: closing a socket after an error changes nothing by itself. */
  { "on-error", "--on-error=keep", "", "" },
  { NULL, NULL, NULL, NULL },
};

const Switch *
switch_find (const gchar *name)
{
  for (const Switch *it = switches; it->name != NULL; it++)
    if (g_strcmp0 (it->name, name) == 0)
      return it;
  return NULL;
}

ResultCure
switch_cure (const Switch *without, const gchar *scenario)
{
  if (without == NULL)
    return RESULT_UNRELATED;
  if (tally_chooses (without->may, scenario))
    return RESULT_MAY_BREAK;
  return tally_chooses (without->must, scenario) ? RESULT_MUST_BREAK : RESULT_UNRELATED;
}
