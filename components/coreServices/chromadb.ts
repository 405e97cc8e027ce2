import { limitClasses } from "../limitClasses.ts";
import { DATA_PATH, supervised, type CoreServiceKind } from "./kind.ts";

/** Chroma (https://docs.trychroma.com/docs/cli/run). */
export const chromadb: CoreServiceKind = {
  name: "chromadb",
  description: "Chroma, a store of vectors.",
  debianPackages: ["python3"],
  lockFolder: "components/coreServices/locks/chromadb",
  requires: ["/usr/bin/python3", "/app/site-packages/chromadb/cli/cli.py"],
  start: supervised(`
export HOME=/tmp PYTHONPATH=/app/site-packages ANONYMIZED_TELEMETRY=False

server() {
  exec /usr/bin/python3 -c 'import sys; from chromadb.cli.cli import app; sys.argv[0] = "chroma"; app()' run --path ${DATA_PATH} --host 0.0.0.0 --port 8000
}

answers() {
  /usr/bin/curl -fsS http://127.0.0.1:8000/api/v2/heartbeat
}

apply() {
  :
}
`),
  probe: "test -e /tmp/applied && /usr/bin/curl -fsS -o /dev/null http://127.0.0.1:8000/api/v2/heartbeat",
  port: 8000,
  secrets: {},
  limits: { ...limitClasses.standard, memoryMiB: 1024, memoryReservationMiB: 256 },
  remarks: "It asks nobody who he is: whoever is on a network with it may read and write all.",
};
