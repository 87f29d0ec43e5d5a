// One charging session by ocpp-rpc in strict mode: every frame, in both directions, is checked against the schemas.
// What happens goes to stdout as JSON lines {step, ...}; a broken rule is {fault} and exit status 1.
import rpc from "ocpp-rpc";

const { RPCClient, createRPCError } = rpc;

export const [endpoint, identity, password, protocol, tag] = process.argv.slice(2);

export function emit(step, more = {}) {
  process.stdout.write(JSON.stringify({ step, ...more }) + "\n");
}

export function fail(fault) {
  process.stdout.write(JSON.stringify({ fault: String(fault) }) + "\n", () => process.exit(1));
}

// Minutes from now, as the specification writes a moment.
export function moment(minutes = 0) {
  return new Date(Date.now() + minutes * 60_000).toISOString();
}

// `handlers`: action -> function of its parameters. Returns the open client.
export async function connect(handlers) {
  const client = new RPCClient({
    endpoint,
    identity,
    password,
    protocols: [protocol],
    strictMode: true,
    reconnect: false,
    callTimeoutMs: 15_000,
  });
  client.on("badMessage", ({ error }) => fail(`bad message: ${error}`));
  client.on("strictValidationFailure", ({ method, error, outbound, isCall }) =>
    fail(`${outbound ? "our" : "the server's"} ${method} ${isCall ? "request" : "answer"}: ${error.message} ${JSON.stringify(error.details)}`),
  );
  for (const [action, handler] of Object.entries(handlers)) client.handle(action, ({ params }) => handler(params));
  client.handle(({ method }) => {
    emit("asked", { action: method });
    throw createRPCError("NotImplemented");
  });
  await client.connect();
  if (client.protocol !== protocol) fail(`the server chose ${client.protocol}`);
  return client;
}

// Resolves once its `resolve` was called: for a request that the session waits for.
export function signal() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

process.on("unhandledRejection", fail);
process.on("uncaughtException", fail);
