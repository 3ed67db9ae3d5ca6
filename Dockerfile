# The image: connect-agent, certificates of public CAs, licences and a bill of materials on nothing (docs/image.md).
#
#   docker build -t connect-agent .
#   docker build -t fake-connect --target fake .      the Connect server of the demos
#
# Builds with BuildKit and with the builder before it. Layers go from what rarely changes to what often does: a change
# of the program makes neither the packages nor the libraries anew.

# The compiler and the archives of Debian 13, which the static program is made of.
FROM debian:trixie-slim AS tools
WORKDIR /src
COPY deploy/static/packages.txt deploy/static/
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive xargs -a deploy/static/packages.txt apt-get install -y --no-install-recommends && \
    rm -rf /var/lib/apt/lists/*

FROM tools AS libraries
COPY deploy/static/dependencies.sh deploy/static/
RUN deploy/static/dependencies.sh /opt/static-deps

FROM libraries AS build
COPY CMakeLists.txt CMakePresets.json LICENSE ./
COPY deploy/static deploy/static
COPY docs/man docs/man
COPY agent agent
ENV STATIC_DEPENDENCIES=/opt/static-deps
# Then the tree of the image, as one layer, whose times do not tell when it was made.
RUN deploy/static/build.sh --no-install --output /out && \
    deploy/static/tree.sh /out /rootfs

# The fake Connect server of the tests with a sample vault, for demos. With the libraries that it needs, and no others.
FROM tools AS fake-build
COPY tests/fake/packages.txt tests/fake/
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive xargs -a tests/fake/packages.txt apt-get install -y --no-install-recommends && \
    rm -rf /var/lib/apt/lists/*
COPY tests/fake tests/fake
COPY tests/data/sample-vault.yaml tests/data/
RUN cmake -S tests/fake -B /build -G Ninja -D CMAKE_BUILD_TYPE=MinSizeRel && \
    cmake --build /build && \
    tests/fake/tree.sh /build/fake-connect tests/data/sample-vault.yaml /rootfs

FROM scratch AS fake
COPY --from=fake-build /rootfs/ /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/bin/fake-connect"]
CMD ["--fixture", "/etc/fake-connect/vault.yaml", "--listen", "0.0.0.0:8080", "--token-directory", "/var/lib/fake-connect/tokens"]

FROM scratch AS agent
COPY --from=build /rootfs/ /
USER 65532:65532
# For `sidecar` and `exec`: whether what the application needs is published. The others end before it asks.
HEALTHCHECK --interval=10s --timeout=5s --start-period=2m --retries=3 CMD ["/usr/bin/connect-agent", "probe", "ready"]
ENTRYPOINT ["/usr/bin/connect-agent"]
CMD ["sidecar"]
# VERSION is CMakeLists.txt's; REVISION the commit: --build-arg REVISION="$(git rev-parse HEAD)".
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="connect-agent" \
      org.opencontainers.image.description="Puts 1Password secrets where an application in a container reads them" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
