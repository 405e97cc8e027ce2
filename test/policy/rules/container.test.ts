import assert from "node:assert/strict";
import { SERVICE, UNKNOWN, type Inputs } from "../../../policy/resource.ts";
import { hardened, hardenedServices } from "../../../policy/rules/hardened.ts";
import { hostMounts } from "../../../policy/rules/hostMounts.ts";
import { hostNamespaces } from "../../../policy/rules/hostNamespaces.ts";
import { limits } from "../../../policy/rules/limits.ts";
import { privileged } from "../../../policy/rules/privileged.ts";
import { publicBind } from "../../../policy/rules/publicBind.ts";
import { reasons } from "../support.ts";

describe("policies on a container (R-SEC-10)", () => {
  describe("limits (R-LIM-01)", () => {
    const good = { memory: 64, memorySwap: 64, cpus: "0.5" };

    it("passes all three, and what only the update knows", () => {
      assert.deepEqual(reasons(limits, good), []);
      assert.deepEqual(reasons(limits, { memory: UNKNOWN, memorySwap: 64, cpus: UNKNOWN }), []);
    });
    it("refuses each that is missing, and swap on top", () => {
      assert.deepEqual(reasons(limits, {}), [
        "memory is not set, which is no limit",
        "cpus is not set, which is no limit",
      ]);
      assert.deepEqual(reasons(limits, { ...good, memorySwap: -1 }), ["memorySwap -1 is not memory 64"]);
      assert.deepEqual(reasons(limits, { ...good, cpus: "0" }), ['cpus "0", which is no limit']);
      assert.deepEqual(reasons(limits, { ...good, memory: 0, memorySwap: 0 }), ["memory 0, which is no limit"]);
    });
  });

  describe("no-privileged (R-LIM-13)", () => {
    it("passes harmless capabilities", () => {
      assert.deepEqual(reasons(privileged, { privileged: false, capabilities: { adds: ["NET_BIND_SERVICE"] } }), []);
    });
    it("refuses privileged, and capabilities over the host however they are written", () => {
      assert.equal(reasons(privileged, { privileged: true }).length, 1);
      assert.deepEqual(reasons(privileged, { capabilities: { adds: ["CAP_SYS_ADMIN", "ALL", "CHOWN"] } }), [
        "capability CAP_SYS_ADMIN reaches the host",
        "capability ALL reaches the host",
      ]);
    });
  });

  describe("no-host-mounts (R-SEC-07)", () => {
    const hostPath = (path: string): Inputs => ({ volumes: [{ hostPath: path, containerPath: "/x" }] });

    it("passes volumes and folders of the estate's own, beside the forbidden ones too", () => {
      for (const path of ["/srv/data", "/etcetera", "/var/lib/other", "/var/run/mine.sock"]) {
        assert.deepEqual(reasons(hostMounts, hostPath(path)), [], path);
      }
      assert.deepEqual(reasons(hostMounts, { volumes: [{ volumeName: "v", containerPath: "/etc" }] }), []);
      assert.deepEqual(reasons(hostMounts, { mounts: [{ type: "volume", source: "/", target: "/x" }] }), []);
    });
    it("refuses Docker's socket, what holds it, and the host's own folders, by whatever spelling", () => {
      for (const path of [
        "/var/run/docker.sock",
        "/run",
        "/",
        "/var/../var/run/",
        "/etc",
        "/etc/ssl",
        "//proc",
        "/dev/kvm",
      ]) {
        assert.equal(reasons(hostMounts, hostPath(path)).length, 1, path);
      }
      assert.equal(reasons(hostMounts, { mounts: [{ type: "bind", source: "/", target: "/host" }] }).length, 1);
    });
  });

  describe("the guard (R-PRC-07): each of its two containers sees what its work needs, read-only", () => {
    const seen = (type: string, hostPath: string, readOnly = true) =>
      reasons(
        hostMounts,
        { volumes: [{ hostPath, containerPath: "/x", readOnly }] },
        { within: ["mcp:index:Monitoring", type] },
      ).length;
    it("passes the host's tables for the one, Docker's socket for the other", () => {
      for (const path of ["/proc", "/sys/fs/cgroup", "/sys/fs/cgroup/pids"])
        assert.equal(seen("mcp:index:Guard", path), 0);
      assert.equal(seen("mcp:index:DockerFilter", "/var/run/docker.sock"), 0);
    });
    it("refuses them the other way round, to write, and to anybody else", () => {
      assert.equal(seen("mcp:index:Guard", "/var/run/docker.sock"), 1);
      assert.equal(seen("mcp:index:DockerFilter", "/proc"), 1);
      assert.equal(seen("mcp:index:Guard", "/proc", false), 1);
      assert.equal(seen("mcp:index:Guard", "/etc"), 1);
      assert.equal(seen("mcp:index:McpServer", "/proc"), 1);
    });
  });

  describe("no-host-namespaces", () => {
    it("passes networks by name and private namespaces", () => {
      assert.deepEqual(reasons(hostNamespaces, { networkMode: "bridge", ipcMode: "private", pidMode: "" }), []);
    });
    it("refuses the host's and another container's", () => {
      const inputs = { networkMode: "container:abc", pidMode: "host", ipcMode: "host", usernsMode: "host" };
      assert.deepEqual(reasons(hostNamespaces, inputs), [
        "networkMode: container:abc",
        "pidMode: host",
        "ipcMode: host",
        "usernsMode: host",
      ]);
    });
  });

  describe("hardened (R-SEC-08)", () => {
    const good = {
      user: "100:100",
      readOnly: true,
      capabilities: { drops: ["CAP_ALL"] },
      securityOpts: ["no-new-privileges:true"],
    };

    it("passes a container without rights", () => {
      assert.deepEqual(reasons(hardened, good), []);
      assert.deepEqual(reasons(hardened, { ...good, capabilities: UNKNOWN, user: UNKNOWN }), []);
    });
    it("refuses each right that is left, root, and no profile", () => {
      assert.equal(reasons(hardened, {}).length, 4);
      assert.deepEqual(reasons(hardened, { ...good, securityOpts: ["no-new-privileges", "seccomp=unconfined"] }), [
        "securityOpts seccomp=unconfined",
      ]);
      for (const user of ["", "0", "root", "0:100", "root:x"]) {
        assert.equal(reasons(hardened, { ...good, user }).length, 1, user);
      }
    });
    it("leaves services to an advice of their own, which does not ask for a user", () => {
      const within = [SERVICE];
      assert.deepEqual(reasons(hardened, {}, { within }), []);
      assert.equal(reasons(hardenedServices, {}, { within }).length, 3);
      assert.deepEqual(reasons(hardenedServices, { ...good, user: "" }, { within }), []);
      assert.deepEqual(reasons(hardenedServices, {}), []);
    });
  });

  describe("no-public-bind", () => {
    const bound = (ip: unknown) => reasons(publicBind, { ports: [{ internal: 80, external: 8080, ip }] });

    it("passes loopback, and the address that stands for one not at hand", () => {
      for (const ip of ["127.0.0.1", "127.9.9.9", "::1", "192.0.2.1", UNKNOWN]) assert.deepEqual(bound(ip), []);
      assert.deepEqual(reasons(publicBind, {}), []);
    });
    it("passes a port whose container says that it takes TLS alone there, and no other port of it", () => {
      const labels = [{ label: "mcp-estate.tls", value: "8000,8443" }];
      const port = { external: 8080, ip: "0.0.0.0" };
      assert.deepEqual(reasons(publicBind, { labels, ports: [{ ...port, internal: 8443 }] }), []);
      assert.deepEqual(reasons(publicBind, { labels, ports: [{ ...port, internal: 80 }] }), [
        "host port 8080 on 0.0.0.0, without TLS",
      ]);
    });
    it("refuses every other, and none, which Docker takes for all", () => {
      for (const ip of ["0.0.0.0", "::", "10.0.0.1", "203.0.113.9"]) {
        assert.deepEqual(bound(ip), [`host port 8080 on ${ip}, without TLS`]);
      }
      assert.deepEqual(bound(undefined), ["host port 8080 on 0.0.0.0 (no ip given), without TLS"]);
      assert.deepEqual(reasons(publicBind, { ports: [{ internal: 80, ip: "::" }] }), [
        "host port that Docker chooses on ::, without TLS",
      ]);
    });
  });
});
