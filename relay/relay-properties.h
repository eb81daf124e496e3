/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay-properties.h: the properties of interpipesrc. */
#pragma once

#include "relay-src.h"

G_BEGIN_DECLS

void relay_properties_install (GObjectClass *class);
/* FALSE: there is no property of that number. */
gboolean relay_properties_set (InterPipeSrc *self, guint id, const GValue *value);
gboolean relay_properties_get (InterPipeSrc *self, guint id, GValue *value);

G_END_DECLS
