import { limitClasses } from "../limitClasses.ts";
import { DATA_PATH, supervised, type CoreServiceKind } from "./kind.ts";

/** Debian 12's. Another major version does not read the files of this one. */
const BIN = "/usr/lib/postgresql/15/bin";
const PSQL = `${BIN}/psql -X -q -v ON_ERROR_STOP=1 -h /tmp -U postgres -d postgres`;

/** PostgreSQL (https://www.postgresql.org/docs/15/). */
export const postgresql: CoreServiceKind = {
  name: "postgresql",
  description: "PostgreSQL 15, with an account that may do all and one that may only read.",
  debianPackages: ["postgresql-15"],
  requires: [`${BIN}/postgres`, `${BIN}/initdb`, `${BIN}/psql`],
  start: supervised(
    `
data=${DATA_PATH}/postgresql
if [ ! -d $data ]; then
  # Made aside, so that what was cut off is begun again.
  rm -rf $data.new
  ${BIN}/initdb --pgdata $data.new --username postgres --encoding UTF8 --locale C.UTF-8 --auth-local trust --auth-host scram-sha-256 >/dev/null
  echo 'host all all all scram-sha-256' >>$data.new/pg_hba.conf
  mv $data.new $data
fi

server() {
  exec ${BIN}/postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp \\
    -c shared_buffers=$((memory / 4))MB -c max_connections=40 -c logging_collector=off
}

answers() {
  ${PSQL} -c 'SELECT 1'
}

# As an SQL literal.
literal() {
  printf "'%s'" "$(sed "s/'/''/g" "$1")"
}

accounts() {
  printf 'ALTER ROLE postgres PASSWORD %s;\\n' "$(literal /run/secrets/password)"
  printf 'DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\\nGRANT pg_read_all_data TO reader;\\n'
  printf 'ALTER ROLE reader LOGIN PASSWORD %s;\\n' "$(literal /run/secrets/readerPassword)"
}

apply() {
  # A statement that fails would stand in the log, with its password.
  accounts | PGOPTIONS='-c log_min_error_statement=panic' ${PSQL}
}
`,
    // On SIGTERM it would wait until all of its callers have gone.
    "INT",
  ),
  probe: `test -e /tmp/applied && ${PSQL} -At -c 'SELECT 1' >/dev/null`,
  port: 5432,
  secrets: {
    password: "of the account postgres, which may do all",
    readerPassword: "of the account reader, which may only read",
  },
  // Each connection is a process of its own.
  limits: { ...limitClasses.standard, memoryMiB: 1024, memoryReservationMiB: 256, processes: 50, nproc: 200 },
  // A few bytes, by which it knows whether another one has its files.
  sharedMemory: true,
};
