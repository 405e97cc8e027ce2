/** In a URL, with or without an account before it; or a whole value that is a host, with or without a port. */
const LOOPBACK = String.raw`(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])`;
const IN_URL = new RegExp(String.raw`\b[a-z][a-z0-9+.-]*:\/\/(?:[^/@\s]*@)?(${LOOPBACK})(?=[:/?#]|$)`, "i");
const ALONE = new RegExp(String.raw`^(${LOOPBACK})(?::\d+)?$`, "i");

/**
 * One line for each setting of a server that looks for a peer on its own loopback, where nobody but itself is (R-NET-07).
 * Services are left alone: an image of others' may well have two programs that meet there.
 * @param key of the settings, for example `mcp-estate:servers.memory.env`.
 */
export function loopbackFaults(key: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const [, host] = IN_URL.exec(value) ?? ALONE.exec(value) ?? [];
    return host === undefined
      ? []
      : [
          `${key}.${name}: addresses ${host}, which in a container is the container itself; name the service or host that is meant`,
        ];
  });
}
