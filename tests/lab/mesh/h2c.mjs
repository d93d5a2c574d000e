// An HTTP/2 server, and a client, without TLS: `serve HOST PORT` or `ask URL [HEADER=VALUE …]`.
import http2 from "node:http2";

const [what, ...given] = process.argv.slice(2);

function serve(host, port) {
  const server = http2.createServer();
  server.on("stream", (stream, headers) => {
    const trailers = { "grpc-status": "0" };
    stream.respond({ ":status": 200, "content-type": headers["content-type"] ?? "text/plain" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(`h2 ${headers[":path"]}`);
  });
  server.listen(Number(port), host, () => console.log("ready"));
}

function ask(address, authority, path, ...pairs) {
  const client = http2.connect(`http://${address}`);
  const headers = Object.fromEntries(pairs.map((pair) => pair.split("=")));
  const request = client.request({ ":path": path, ":authority": authority, ...headers });
  const seen = { status: 0, body: "", trailers: {} };
  request.on("response", (found) => (seen.status = found[":status"], seen.grpc = found["grpc-status"]));
  request.on("trailers", (found) => (seen.trailers = { ...found }));
  request.on("data", (part) => (seen.body += part));
  request.on("close", () => (console.log(JSON.stringify(seen)), client.close()));
  request.end();
}

({ serve, ask })[what](...given);
