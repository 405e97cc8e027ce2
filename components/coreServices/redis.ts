import { limitClasses } from "../limitClasses.ts";
import { DATA_PATH, supervised, type CoreServiceKind } from "./kind.ts";

const ASK = "/usr/bin/timeout 2 /usr/bin/redis-cli";

/** Redis (https://redis.io/docs/latest/operate/oss_and_stack/management/config/). */
export const redis: CoreServiceKind = {
  name: "redis",
  description: "Redis 7, which writes every change to its volume.",
  debianPackages: ["redis-server"],
  requires: ["/usr/bin/redis-server", "/usr/bin/redis-cli"],
  start: supervised(`
password=$(cat /run/secrets/password)

# As a value of its configuration.
quoted() {
  printf '"%s"' "$(printf %s "$1" | sed 's/[\\\\"]/\\\\&/g')"
}

settings() {
  printf 'bind * -::*\\nport 6379\\ndir ${DATA_PATH}\\nappendonly yes\\nrequirepass %s\\n' "$(quoted "$password")"
  # The rest is for its copies while it writes.
  printf 'maxmemory %smb\\nmaxmemory-policy noeviction\\n' $((memory * 6 / 10))
}

umask 077
settings >/tmp/redis.conf

server() {
  exec /usr/bin/redis-server /tmp/redis.conf
}

ask() {
  REDISCLI_AUTH="$password" ${ASK} "$@"
}

answers() {
  ask ping | grep -q PONG
}

apply() {
  wanted=$(cat /run/secrets/password)
  # Read from its input, as arguments can be seen.
  printf %s "$wanted" | ask -e -x config set requirepass >/dev/null && password=$wanted
}
`),
  probe: `test -e /tmp/applied && REDISCLI_AUTH="$(cat /run/secrets/password)" ${ASK} ping | grep -q PONG`,
  port: 6379,
  secrets: { password: "of all its callers" },
  limits: { ...limitClasses.light, processes: 8, nofile: { soft: 4096, hard: 4096 } },
};
