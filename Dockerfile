# SPDX-License-Identifier: MIT
# Two results, each told of in docs/packaging.md:
#   docker buildx build -t wolf-guard-tools .
#   docker buildx build --target patched --output type=local,dest=out/patched
#          --build-context wolf=DIR --build-context interpipe=DIR .
ARG BASE=debian:bookworm-slim
# What the tools lie on: nothing, so there is no shell. With the value of BASE there is one.
ARG UNDER=scratch

# --- target patched: the trees, patched. A build context takes the place of the empty one of its
# name, which is not quite empty: BuildKit took a cached copy of a tree for a copy of nothing.
FROM scratch AS wolf
WORKDIR /wolf
FROM scratch AS interpipe
WORKDIR /gst-interpipe

FROM $BASE AS patch
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends git patch
WORKDIR /wolf-guard
COPY build.sh quiltrc series upstream.pins ./
COPY bases bases
COPY patches patches
COPY tools tools
# Copied, not mounted: podman's cache looks at what is copied, not at what is mounted.
COPY --from=wolf / /trees/wolf/
COPY --from=interpipe / /trees/gst-interpipe/
# More for build.sh patch: what it asks for when a tree is another base's.
ARG OPTIONS=
RUN set --; \
    for tree in wolf gst-interpipe; do \
      dir=/trees/$tree; \
      if [ -d $dir/$tree ]; then dir=$dir/$tree; fi; \
      if [ -n "$(ls -A $dir 2>/dev/null)" ]; then set -- "$@" --${tree#gst-} $dir; fi; \
    done; \
    if [ $# = 0 ]; then \
      echo "no tree: add --build-context wolf=DIR, interpipe=DIR, or both" >&2; exit 3; \
    fi; \
    ./build.sh patch "$@" $OPTIONS --out /patched || { \
      status=$?; \
      if [ $status = 4 ]; then \
        echo "files absent? Docker obeys .dockerignore in DIR: give the folder around it" >&2; \
      fi; \
      exit $status; \
    }

FROM scratch AS patched
COPY --from=patch /patched /

# --- target tools, the default
FROM $BASE AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
      cmake gcc glib-networking gstreamer1.0-plugins-base libc6-dev \
      libgstreamer-plugins-base1.0-dev \
      libenet-dev libgstreamer1.0-dev libjson-glib-dev libsoup-3.0-dev libssl-dev ninja-build \
      pkg-config
WORKDIR /wolf-guard
COPY CMakeLists.txt ./
COPY guard guard
COPY bench bench
COPY relay relay
COPY tools tools
COPY verify verify
RUN cmake -S . -B /build -G Ninja -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Release \
 && cmake --build /build -- --quiet \
 && cmake --install /build --strip --prefix /usr/local
# Them, what they load, and every library that any of these needs; sleep is the lab's runner.
RUN lib=/usr/lib/$(gcc -print-multiarch); \
    set -- /usr/local/bin/* /usr/local/lib/wolf-guard/* /bin/sleep \
      $lib/gio/modules/libgiognutls.so \
      $lib/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner; \
    for plugin in app audioconvert audiotestsrc coreelements opus theora videoconvertscale \
      videotestsrc; do \
      set -- "$@" $lib/gstreamer-1.0/libgst$plugin.so; \
    done; \
    mkdir -p /tools/usr/lib /tools/usr/bin /tools/usr/lib64 /tools/tmp /tools/work \
 && ln -s usr/lib usr/lib64 usr/bin /tools \
 && ldd "$@" | sed -n 's/.* => //; s|^[[:space:]]*\(/.*\) (0x.*|\1|p' | sort -u | \
      xargs cp -L --parents -t /tools "$@" \
 && chmod 1777 /tools/tmp \
 && chown 10001:10001 /tools/work

FROM $UNDER AS tools
COPY --from=build /tools /
ENV CHARSET=UTF-8 GST_PLUGIN_PATH=/usr/local/lib/wolf-guard GST_REGISTRY=/tmp/gstreamer-registry \
    HOME=/work
USER 10001:10001
WORKDIR /work
VOLUME /tmp /work
# Of the server at these ports: the lab, or the one whose network this container shares.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 \
    CMD ["wolf-probe", "health", "--timeout", "4"]
CMD ["wolf-lab", "--preset=guarded", "--ports=wolf", "--dir", "/work"]
