# The sidecar: pages and configuration of one version, and the program that puts them on the volume.
#   docker build -f examples/nginx/payload.Dockerfile --build-arg VERSION=2 -t nginx-payload:2 .
FROM debian:12 AS build
WORKDIR /src
COPY . .
RUN cmake/setup.sh build
RUN cmake --preset release -DOKG_BUILD_TESTS=OFF -DOKG_BUILD_EXAMPLES=OFF \
 && cmake --build --preset release --target okg_program
ARG VERSION=1
RUN mkdir -p /data/files && cp -R examples/2048/payload/v${VERSION}/files/. examples/nginx/payload/. /data/files \
 && build/release/okg pack /data --version "${VERSION}"

FROM scratch
COPY --from=build /src/build/release/okg /bin/okg
COPY --from=build /data /data
USER 65532:65532
ENTRYPOINT ["/bin/okg", "publish", "--from", "/data"]
