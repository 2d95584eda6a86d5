// What every client does, whatever its WebRTC stack: key, offer, answer, and one question and its answer on the channel.
// Usage: node CLIENT.mjs URL KEY. Prints one line of JSON at the end: {"transcript": ..., "packets": received RTP packets}.

const [url, apiKey] = process.argv.slice(2);
const json = {"Content-Type": "application/json"};

/** The Opus packet of 20 ms of silence: a client keeps sending while nobody speaks. */
export const SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);

async function post(path, headers, body) {
  const response = await fetch(url + path, {method: "POST", headers, body});
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

/** The answer to an offer, asked for with a fresh ephemeral key. */
export async function answerTo(offer) {
  const session = {type: "realtime", model: "gpt-realtime"};
  const token = JSON.parse(await post("/openai/v1/realtime/client_secrets", {"api-key": apiKey, ...json}, JSON.stringify({session})));
  return post("/openai/v1/realtime/calls", {Authorization: `Bearer ${token.value}`, "Content-Type": "application/sdp"}, offer);
}

/** A handler of the channel's messages; `done` is called with the transcript once the answer has been played. */
export function conversation(send, done) {
  let transcript = "";
  const say = event => send(JSON.stringify(event));
  return text => {
    const event = JSON.parse(text);
    if (event.type === "session.created") say({type: "session.update", session: {type: "realtime", instructions: "Be brief."}});
    if (event.type === "session.updated") {
      say({type: "conversation.item.create", item: {type: "message", role: "user", content: [{type: "input_text", text: "Hello?"}]}});
      say({type: "response.create"});
    }
    if (event.type === "response.output_audio_transcript.done") transcript = event.transcript;
    if (event.type === "output_audio_buffer.stopped") done(transcript);
    if (event.type === "error") throw new Error(JSON.stringify(event.error));
  };
}

/** Say what came, and leave: some stacks keep threads that would hold the process. */
export function leave(transcript, packets, hangUp) {
  console.log(JSON.stringify({transcript, packets}));
  hangUp();
  setTimeout(() => process.exit(0), 200);
}

process.on("unhandledRejection", error => { console.error(error); process.exit(1); });
