# A hot update: the payload and the one program that puts it on the volume. Each version of the game's content is a
# new tag of this image; an in-place update of this container is all that a rollout does.
#   docker build -f examples/2048/sidecar.Dockerfile --build-arg VERSION=2 -t game-2048-payload:2 .
FROM debian:12 AS build
WORKDIR /src
COPY . .
RUN cmake/setup.sh build
RUN cmake --preset release -DOKG_BUILD_TESTS=OFF -DOKG_BUILD_EXAMPLES=OFF \
 && cmake --build --preset release --target okg_program
ARG VERSION=1
# Manifest and list are made here, once: they are what the digest covers, and what `okg ready` compares with.
RUN mkdir /data && cp -R examples/2048/payload/v${VERSION}/files /data/files \
 && build/release/okg pack /data --version "${VERSION}"

FROM scratch
COPY --from=build /src/build/release/okg /bin/okg
COPY --from=build /data /data
USER 65532:65532
# Stays until SIGTERM and reports what the server makes of it. Readiness probe: ["/bin/okg", "ready", "--from", "/data"]
ENTRYPOINT ["/bin/okg", "publish", "--from", "/data"]
