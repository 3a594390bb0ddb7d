# syntax=docker/dockerfile:1
# A static binary in an empty image: no shell, no libraries, no CA files (roots are built in).
#
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" -t duogate .

FROM rust:1-bookworm AS build
WORKDIR /build
# crt-static on the gnu target needs the target named, or build scripts would be static too
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN rustc --print host-tuple >/target

# The dependencies are a layer of their own: it is built anew only when Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/it benches/load \
 && echo 'fn main() {}' >src/main.rs \
 && cp src/main.rs tests/it/main.rs \
 && cp src/main.rs benches/load/main.rs \
 && touch src/lib.rs \
 && cargo build --release --locked --target "$(cat /target)"

COPY . .
RUN touch src/main.rs src/lib.rs \
 && cargo build --release --locked --target "$(cat /target)" \
 && deploy/image-root.sh "target/$(cat /target)/release/duogate" /image

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="duogate" \
      org.opencontainers.image.description="One process for GitLab Duo Self-Hosted: TLS with its own certificate, the AI gateway and the agent platform on one port" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
ENV DUOGATE_TLS__STATE=/var/lib/duogate
USER 65532:0
VOLUME /var/lib/duogate
EXPOSE 443 80 5052 50052 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/duogate", "health"]
ENTRYPOINT ["/duogate"]
CMD ["serve"]
