import type { TestEstate } from "./testEstate.ts";
import { docker } from "./testEstate.ts";

/** Each call with arguments that need no right at all, so that only a profile stands in its way. */
const SCRIPT = `
import ctypes, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def errno_of(name, *args):
    ctypes.set_errno(0)
    return ctypes.get_errno() if getattr(libc, name)(*args) == -1 else 0
def errno_of_socket(family):
    try:
        socket.socket(family, socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_STREAM).close()
        return 0
    except OSError as error:
        return error.errno
buffer = ctypes.create_string_buffer(8)
class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
span = Span(ctypes.addressof(buffer), 8)
print(json.dumps({
    "ptrace": errno_of("ptrace", 0, 0, 0, 0),
    "process_vm_readv": errno_of("process_vm_readv", os.getpid(), ctypes.byref(span), 1, ctypes.byref(span), 1, 0),
    "personality": errno_of("personality", ctypes.c_ulong(0xFFFFFFFF)),
    "shmget": errno_of("shmget", 0, 4096, 0o1600),
    "semget": errno_of("semget", 0, 1, 0o1600),
    "msgget": errno_of("msgget", 0, 0o1600),
    "mq_open": errno_of("mq_open", b"/nothing", 0),
    "AF_ALG": errno_of_socket(38),
    "AF_VSOCK": errno_of_socket(40),
    "AF_INET": errno_of_socket(2),
    "AF_UNIX": errno_of_socket(1),
}))
`;
const COMMAND = ["python3", "-c", SCRIPT];

/** System call → errno, in a running container that has Python; 0 where it went through. */
export async function systemCalls(estate: TestEstate, component: string): Promise<Record<string, number>> {
  const { code, output } = await estate.exec(component, COMMAND);
  if (code !== 0) throw new Error(output);
  return JSON.parse(output) as Record<string, number>;
}

/** The same in a container of the same image under Docker's own profile. */
export async function systemCallsByDefault(estate: TestEstate, component: string): Promise<Record<string, number>> {
  const { Image, Config } = await (await estate.container(component)).inspect();
  const container = await docker.createContainer({
    Image,
    User: Config.User,
    Entrypoint: COMMAND,
    HostConfig: { CapDrop: ["ALL"], NetworkMode: "none", SecurityOpt: ["no-new-privileges"] },
  });
  try {
    await container.start();
    await container.wait();
    const output = (await container.logs({ stdout: true, stderr: true })).toString();
    return JSON.parse(output.slice(output.indexOf("{"))) as Record<string, number>;
  } finally {
    await container.remove({ force: true });
  }
}
