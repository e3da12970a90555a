// Requests to the server, one after the other, and what its answers hold.

let session = null;
let last = Promise.resolve();

export class Refused extends Error {}
export class Gone extends Error {}
export class Silent extends Error {}

/**
 * Ask the server; an answer is a frame (an object with typed arrays) or an object.
 * What takes long goes apart, so that the others need not wait for it.
 */
export function post(command, body = {}, apart = false) {
  if (apart) return send(command, body);
  const answer = last.then(() => send(command, body));
  last = answer.catch(() => {});
  return answer;
}

export async function options() {
  return (await fetch("options")).json();
}

async function send(command, body) {
  let response;
  try {
    response = await fetch(command, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ session, ...body }),
    });
  } catch {
    throw new Silent("The playground does not answer. Start it again: python -m visualize.playground");
  }
  if (response.headers.get("Content-Type") === "application/json") {
    const answer = await response.json();
    if (answer.error) throw new (answer.gone ? Gone : Refused)(answer.error);
    return answer;
  }
  const frame = unpacked(await response.arrayBuffer());
  if (frame.session) session = frame.session;
  return frame;
}

/** Four bytes of length, a header of JSON that names the arrays, the arrays. */
function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const frame = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  for (const [name, kind, size] of frame.arrays) {
    frame[name] = kind === "f4" ? new Float32Array(buffer, at, size) : new Uint8Array(buffer, at, size);
    at += kind === "f4" ? 4 * size : size;
  }
  return frame;
}
