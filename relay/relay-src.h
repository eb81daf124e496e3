/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay-src.h: interpipesrc, and what it is made of. */
#pragma once

#include "relay-base.h"
#include "relay-subscription.h"

G_BEGIN_DECLS

/* An element without a name is called after its type. So the type is not GstInterPipeSrc, but the
 * name is interpipesrc0, as with gst-interpipe. */
#define RELAY_TYPE_SRC (relay_src_get_type ())
G_DECLARE_FINAL_TYPE (InterPipeSrc, relay_src, RELAY, SRC, GstAppSrc)

struct _InterPipeSrc {
  GstAppSrc parent;

  RelayInbox *inbox;
  RelaySubscriber subscriber;
  RelayStream stream;
  RelayBase base;
};

G_END_DECLS
