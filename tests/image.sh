#!/bin/bash
# Builds the container image and runs it as a platform would: the final stage of the Dockerfile as
# it is, an arbitrary user, a read-only root, one writable volume, names by DNS.
#
#   tests/image.sh          needs root and Debian; no image is pulled, no port of the host is used
#
# Base images cannot be pulled everywhere, so the build stage's `cargo build` runs here, outside.
set -euo pipefail
cd "$(dirname -- "$0")/.."

BOUND_BYTES=$((25 * 1000 * 1000))
ARBITRARY_USER=1234567

main() {
    [ "$(id -u)" = 0 ] || { echo "image: needs root for mounts and namespaces" >&2; exit 2; }
    tests/parts.sh system python image
    export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
    work=$(mktemp -d /var/tmp/duogate-image.XXXXXX)
    trap clean EXIT
    build_binary
    build_image
    tell_size
    tell_configuration
    # a network, mounts and processes of their own: ports 443 and 80 are free, nothing is left behind
    unshare --net --mount --pid --fork --kill-child --mount-proc "$0" inside "$work"
    echo "image: all well"
}

clean() {
    [ -z "${container:-}" ] || buildah rm "$container" >/dev/null || true
    buildah rmi duogate-test >/dev/null 2>&1 || true
    rm -rf "$work"
}

build_binary() {
    target=$(rustc --print host-tuple)
    RUSTFLAGS='-C target-feature=+crt-static' \
        cargo build --release --locked --target "$target"
    deploy/image-root.sh "target/$target/release/duogate" "$work/context/image"
}

build_image() {
    {
        echo 'FROM scratch AS build'
        echo 'COPY image /image'
        # from the last FROM to the end: the stage that is shipped
        awk '/^FROM /{stage=""} {stage=stage $0 "\n"} END{printf "%s", stage}' Dockerfile
    } >"$work/Dockerfile"
    buildah bud --quiet --format docker --build-arg VERSION=test --build-arg REVISION=test \
        --file "$work/Dockerfile" --tag duogate-test "$work/context"
    container=$(buildah from duogate-test)
    ln -s "$(buildah mount "$container")" "$work/root"
}

tell_size() {
    buildah push --quiet duogate-test "docker-archive:$work/image.tar"
    bytes=$(stat -c %s "$work/image.tar")
    compressed=$(gzip -c "$work/image.tar" | wc -c)
    echo "image: $bytes bytes, $compressed compressed"
    [ "$bytes" -lt "$BOUND_BYTES" ] || { echo "image: larger than $BOUND_BYTES bytes" >&2; exit 1; }
}

tell_configuration() {
    buildah inspect --type image duogate-test >"$work/inspect.json"
    python3 - "$work/inspect.json" <<'PYTHON'
import json, sys
image = json.load(open(sys.argv[1]))["Docker"]
config = image["config"]
assert config["User"] == "65532:0", config["User"]
assert list(config["Volumes"]) == ["/var/lib/duogate"], config["Volumes"]
assert config["Healthcheck"]["Test"] == ["CMD", "/duogate", "health"], config["Healthcheck"]
assert config["Entrypoint"] == ["/duogate"] and config["Cmd"] == ["serve"], config
assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT", config["Labels"]
assert config["Labels"]["org.opencontainers.image.version"] == "test", config["Labels"]
print("image: user", config["User"], "ports", *sorted(config["ExposedPorts"]))
PYTHON
}

# Everything below runs in namespaces of its own and ends with them.
inside() {
    work=$1
    ip link set lo up
    # as docker-compose.yaml and the Helm chart have it
    echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
    names_by_dns
    tests/.parts/python/bin/python -u tests/upstreams/http_api.py --listen 127.0.0.1:5052 >"$work/api.log" &
    tests/.parts/python/bin/python -u tests/upstreams/grpc_service.py --listen 127.0.0.2:50052 >"$work/grpc.log" &
    wait_for "stand-ins" grep -q ready "$work/api.log"
    wait_for "stand-ins" grep -q ready "$work/grpc.log"
    mount_root
    # the volume is for group 0 of whatever user; nothing else can be written
    as_user /duogate serve >"$work/serve.log" 2>&1 &
    wait_for "the process" as_user /duogate health
    echo "image: HEALTHCHECK says: $(as_user /duogate health)"
    ask
    only_the_volume_is_written
}

names_by_dns() {
    pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 "" -dns01 127.0.0.1:53 -http01 "" \
        -https01 "" -tlsalpn01 "" -management 127.0.0.1:8055 >"$work/dns.log" 2>&1 &
    echo 'nameserver 127.0.0.1' >"$work/resolv.conf"
    # DNS says 127.0.0.1 of this name too, where nobody listens: the file comes first
    printf '127.0.0.1 localhost\n127.0.0.2 named-by-hosts\n' >"$work/hosts"
}

mount_root() {
    root=$work/mounted
    mkdir -p "$root" "$work/state"
    chown 0:0 "$work/state"
    chmod 770 "$work/state"
    mount --bind "$(readlink "$work/root")" "$root"
    # container runtimes give these two files and the volume
    mkdir -p "$root/etc"
    for file in resolv.conf hosts; do
        touch "$root/etc/$file"
        mount --bind "$work/$file" "$root/etc/$file"
    done
    mount --bind "$work/state" "$root/var/lib/duogate"
    mount -o remount,bind,ro "$root"
}

as_user() {
    env -i PATH="$PATH" DUOGATE_DOMAINS=edge.test DUOGATE_TLS__SOURCE=internal DUOGATE_TLS__STATE=/var/lib/duogate \
        DUOGATE_GATEWAY=http://gitlab-ai-gateway:5052 \
        DUOGATE_AGENT_PLATFORM=http://named-by-hosts:50052 \
        setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \
        chroot --userspec="$ARBITRARY_USER:0" --groups=0 "$root" "$@"
}

ask() {
    ca=$work/state/internal/root.pem
    answer=$(curl --silent --show-error --fail --max-time 20 --cacert "$ca" \
        --resolve edge.test:443:127.0.0.1 https://edge.test/v1/by-dns)
    case $answer in
    *'"target": "/v1/by-dns"'*) echo "image: gitlab-ai-gateway was resolved by DNS and answered" ;;
    *) echo "image: no answer from the upstream: $answer" >&2; exit 1 ;;
    esac
    # the doctor is in the image too, and needs no shell
    as_user /duogate doctor --url https://edge.test --address 127.0.0.1 \
        --ca-file /var/lib/duogate/internal/root.pem
}

only_the_volume_is_written() {
    if as_user /duogate keys new --output /key.pem 2>"$work/refused"; then
        echo "image: the root is writable" >&2
        exit 1
    fi
    grep -q 'Read-only file system\|Permission denied' "$work/refused"
    as_user /duogate keys new --output /var/lib/duogate/key.pem >/dev/null
    # as docker-compose.yaml tells administrators
    [ "$(as_user /duogate keys new --environment | grep -c '_KEY="-----BEGIN PRIVATE KEY')" = 4 ]
    [ "$(stat -c %u "$work/state/key.pem")" = "$ARBITRARY_USER" ]
    echo "image: user $ARBITRARY_USER writes to the volume and nowhere else"
}

wait_for() {
    what=$1
    shift
    for _ in $(seq 300); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    echo "image: $what did not start" >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}

if [ "${1:-}" = inside ]; then
    inside "$2"
else
    main
fi
