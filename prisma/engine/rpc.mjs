/** JSON-RPC over standard input and output, one message per line, requests answered strictly one after another. */
import { createInterface } from "node:readline";

/** Methods the native engine answers without work when the connection is made by an adapter. */
const methodsWithoutWork = new Set(["createDatabase", "ensureConnectionValidity"]);
const applicationErrorCode = 4466;

/**
 * @param {{createEngine: () => Promise<object>, takePanicMessage: () => string | undefined}} wasm
 *   `createEngine` is called at the first request that needs the engine.
 */
export function serveRpc({ createEngine, takePanicMessage }) {
  const unanswered = new Set();
  let engine;

  const answer = async (id, method, params) => {
    if (methodsWithoutWork.has(method)) return send({ jsonrpc: "2.0", id, result: {} });
    engine ??= await createEngine();
    if (method === "getDatabaseVersion") return send({ jsonrpc: "2.0", id, result: await engine.version() });
    let result = await engine[method](params);
    if (method === "diff" && result?.stdout) {
      // The native engine prints a diff through a notification; Prisma shows nothing of `result.stdout` itself.
      send({ jsonrpc: "2.0", id: 0, method: "print", params: { content: result.stdout } });
      result = { ...result, stdout: null };
    }
    return send({ jsonrpc: "2.0", id, result: result ?? null });
  };

  const handleLine = async (line) => {
    const { id, method, params } = JSON.parse(line);
    if (method === undefined) return; // an answer to a notification of ours
    unanswered.add(id);
    try {
      await answer(id, method, params);
    } catch (error) {
      const message = takePanicMessage() ?? error.message;
      const data = {
        is_panic: false,
        message,
        error_code: error.code ?? error.error_code ?? null,
        meta: error.meta ?? null,
      };
      send({ jsonrpc: "2.0", id, error: failure("An error happened. Check the data field for details.", data) });
    }
    unanswered.delete(id);
  };

  process.on("uncaughtException", (error) => {
    console.error(error);
    const data = { is_panic: true, message: takePanicMessage() ?? String(error) };
    for (const id of unanswered) send({ jsonrpc: "2.0", id, error: failure("panic", data) });
    process.exit(101);
  });

  let queue = Promise.resolve();
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      if (line.trim() !== "") queue = queue.then(() => handleLine(line));
    })
    .on("close", () => queue.then(() => process.exit(0)));
}

function send(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function failure(message, data) {
  return { code: applicationErrorCode, message, data };
}
