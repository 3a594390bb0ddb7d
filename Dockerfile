# syntax=docker/dockerfile:1
# A static binary in an empty image: no shell, no libraries, no CA files (roots are built in).

FROM rust:1-bookworm AS build
WORKDIR /build
COPY . .
# crt-static on the gnu target needs the target named; the folder becomes the state volume
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$target" \
 && install -D "target/$target/release/duogate" /image/duogate \
 && mkdir -p /image/var/lib/duogate /image/tmp \
 && chown -R 65532:0 /image/var/lib/duogate && chmod 770 /image/var/lib/duogate

FROM scratch
COPY --from=build /image /
ENV DUOGATE_TLS__STATE=/var/lib/duogate
USER 65532:0
VOLUME /var/lib/duogate
EXPOSE 443 80 5052 50052 9464
HEALTHCHECK --interval=10s --timeout=3s CMD ["/duogate", "health"]
ENTRYPOINT ["/duogate"]
CMD ["serve"]
