import { GPU_VARIABLE } from "../../providers/swarm/placement.ts";

/** What is done on a machine before a swarm runs on it: shell scripts that may run twice, and then change nothing. */

/** Room for the images of an estate, on every node. */
const LEAST_DISK_MIB = 20_480;

/** cloud-init's data: the host key that its first connection is checked against. */
export function userData(hostKey: { privateKey: string; publicKey: string }): string {
  const indented = hostKey.privateKey.trim().replaceAll("\n", "\n    ");
  return `#cloud-config
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
    ${indented}
  ed25519_public: ${hostKey.publicKey.trim()}
`;
}

/**
 * Until the first start is over, as it installs things of its own; the right machine; and room enough for what comes.
 * @param hostName under which the swarm is to know it
 */
export function awaitBoot(hostName: string): string {
  return `set -eu
if command -v cloud-init >/dev/null; then sudo cloud-init status --wait >/dev/null || true; fi
if [ "$(hostname)" != '${hostName}' ]; then
  echo "the host name of this machine is $(hostname), declared is ${hostName}: correct one of the two" >&2
  exit 1
fi
free=$(df --output=avail --block-size=1M / | tail -n 1 | tr -d ' ')
if [ "$free" -lt ${LEAST_DISK_MIB} ]; then
  echo "only $free MiB are free on / of $(hostname), ${LEAST_DISK_MIB} are needed: make room, or take a type with more storage" >&2
  exit 1
fi
`;
}

export interface DockerScriptArgs {
  /** Each is advertised to the swarm under its full UUID: a count would be read as the number of one. */
  gpus: boolean;
  /** Where Docker looks for its settings. @default "/etc/docker" */
  folder?: string;
  /** Settings of NVIDIA's runtime. @default its own */
  nvidiaConfig?: string;
}

/** Docker as the swarm target wants it: no new privileges, no swap, the user in its group, GPUs told of. */
export function ensureDocker({
  gpus,
  folder = "/etc/docker",
  nvidiaConfig = "/etc/nvidia-container-runtime/config.toml",
}: DockerScriptArgs): string {
  return `set -eu
export DEBIAN_FRONTEND=noninteractive
install() { sudo apt-get update -qq && sudo apt-get install -y -qq --no-install-recommends "$@"; }
command -v docker >/dev/null || install docker.io
id -nG | tr ' ' '\\n' | grep -qx docker || sudo usermod -aG docker "$(id -un)"
sudo swapoff -a
${gpus ? nvidiaPart(nvidiaConfig) : "uuids="}
settings=$(sudo cat ${folder}/daemon.json 2>/dev/null || echo '{}')
wanted=$(printf '%s' "$settings" | UUIDS="$uuids" python3 -c '
import json, os, sys
settings = json.load(sys.stdin)
settings["no-new-privileges"] = True
uuids = os.environ["UUIDS"].split()
if uuids:
    settings["node-generic-resources"] = ["GPU=" + uuid for uuid in uuids]
    settings["default-runtime"] = "nvidia"
    settings.setdefault("runtimes", {})["nvidia"] = {"path": "nvidia-container-runtime", "runtimeArgs": []}
print(json.dumps(settings, indent=2, sort_keys=True))
')
if [ "$settings" != "$wanted" ]; then
  sudo mkdir -p ${folder}
  printf '%s\\n' "$wanted" | sudo tee ${folder}/daemon.json >/dev/null
  sudo systemctl restart docker
fi
`;
}

function nvidiaPart(config: string): string {
  return `command -v nvidia-ctk >/dev/null || install nvidia-container-toolkit
sudo sed -i 's/^#* *swarm-resource = .*/swarm-resource = "${GPU_VARIABLE}"/' ${config}
uuids=$(nvidia-smi --query-gpu=uuid --format=csv,noheader)`;
}

/** "active" is not "its GPUs work", nor is what nvidia-smi lists: CUDA itself is asked. */
export function proveGpus(count: number): string {
  if (count === 0) return "true\n";
  return `set -eu
python3 -c '
import ctypes, sys
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError as error:
    sys.exit("CUDA is not there: %s" % error)
code = cuda.cuInit(0)
count = ctypes.c_int()
if code == 0:
    code = cuda.cuDeviceGetCount(ctypes.byref(count))
if code != 0:
    sys.exit("CUDA does not start: error %d" % code)
if count.value != ${count}:
    sys.exit("CUDA has %d GPUs, ${count} are declared" % count.value)
'
`;
}

/** A swarm of which this is the first; prints what a worker joins with. @param address under which the others reach it */
export function initSwarm(address: string): string {
  return `set -eu
state=$(docker info --format '{{.Swarm.LocalNodeState}}')
[ "$state" = active ] || docker swarm init --advertise-addr '${address}' >/dev/null
docker swarm join-token --quiet worker
`;
}

/** Reads the token from its input, so that it stands in no command. Of another swarm, whose manager is gone, it takes leave. */
export function joinSwarm(own: string, manager: string): string {
  // What is handed over ends with its last letter, which read calls a failure.
  return `set -eu
read -r token || [ -n "$token" ]
managers=$(docker info --format '{{range .Swarm.RemoteManagers}}{{.Addr}} {{end}}')
case " $managers" in *" ${manager}:2377 "*) exit 0 ;; esac
[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ] || docker swarm leave --force >/dev/null
docker swarm join --advertise-addr '${own}' --token "$token" '${manager}:2377'
`;
}

export const leaveSwarm = "docker swarm leave --force || true\n";

/** On the manager: its tasks run elsewhere before the node is gone. */
export function removeNode(name: string): string {
  return `set -eu
docker node inspect '${name}' >/dev/null 2>&1 || exit 0
docker node update --availability drain '${name}' >/dev/null
for try in $(seq 60); do
  [ -n "$(docker node ps '${name}' --filter desired-state=running --quiet)" ] || break
  sleep 1
done
docker node rm --force '${name}' >/dev/null
`;
}
