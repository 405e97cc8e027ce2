import { limitClasses } from "../limitClasses.ts";
import { DATA_PATH, supervised, type CoreServiceKind } from "./kind.ts";

const SBIN = "/usr/lib/rabbitmq/bin";
/** Threads count as tasks; with these it had 20 when idle. */
const FEW_THREADS = "+S 2:2 +SDcpu 1:1 +SDio 2 +A 2";

/** RabbitMQ (https://www.rabbitmq.com/docs/configure). */
export const rabbitmq: CoreServiceKind = {
  name: "rabbitmq",
  description: "RabbitMQ 3.10 with AMQP 0-9-1, alone.",
  debianPackages: ["rabbitmq-server"],
  requires: [`${SBIN}/rabbitmq-server`, `${SBIN}/rabbitmqctl`],
  start: supervised(`
export HOME=${DATA_PATH} LANG=C.UTF-8
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_MNESIA_BASE=${DATA_PATH}/mnesia RABBITMQ_LOGS=-
export RABBITMQ_CONFIG_FILE=/tmp/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/enabled_plugins RABBITMQ_PID_FILE=/tmp/rabbitmq.pid
export RABBITMQ_LOG_BASE=/tmp
# Only AMQP is for others.
export ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='${FEW_THREADS} -kernel inet_dist_use_interface {127,0,0,1}'
export RABBITMQ_CTL_ERL_ARGS='+S 1:1 +SDcpu 1:1 +SDio 1 +A 1'

umask 077
cat >/tmp/rabbitmq.conf <<END
listeners.tcp.default = 5672
default_user = estate
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = $((memory * 6 / 10))MB
disk_free_limit.absolute = 50MB
END
# For the first start; what is in force is set below.
printf 'default_pass = %s\\n' "$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \\n')" >>/tmp/rabbitmq.conf

server() {
  exec ${SBIN}/rabbitmq-server
}

answers() {
  ${SBIN}/rabbitmqctl --quiet await_startup --timeout 5
}

apply() {
  # Read from its input, as arguments can be seen.
  ${SBIN}/rabbitmqctl --quiet change_password estate </run/secrets/password
}
`),
  // Its own ping starts another Erlang each time.
  probe: `test -e /tmp/applied && /bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/5672; printf "AMQP\\x00\\x00\\x09\\x01" >&3; IFS= read -r -N 1 -t 4 -u 3 kind; [[ $kind == $(printf "\\x01") ]]'`,
  port: 5672,
  secrets: { password: "of the account estate" },
  limits: {
    ...limitClasses.standard,
    pids: 128,
    nproc: 256,
    nofile: { soft: 8192, hard: 8192 },
  },
};
