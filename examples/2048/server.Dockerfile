# The game server's image: no page, no texts, no payload; those come with the sidecar (sidecar.Dockerfile).
#   docker build -f examples/2048/server.Dockerfile -t game-2048:1.0.0 .
FROM debian:12 AS build
WORKDIR /src
COPY . .
RUN cmake/setup.sh build
RUN cmake --preset release -DOKG_BUILD_TESTS=OFF -DBUILD_SHARED_LIBS=OFF \
 && cmake --build --preset release --target game-2048

FROM debian:12-slim
COPY --from=build /src/build/release/game-2048 /usr/local/bin/game-2048
# The volumes are mounted at /okg/payload (read-only here), /okg/run and, in memory, /okg/hot: see docs/interface.md,
# section 3.
USER 65532:65532
EXPOSE 8048
ENTRYPOINT ["game-2048", "--address", "0.0.0.0", "--port", "8048"]
