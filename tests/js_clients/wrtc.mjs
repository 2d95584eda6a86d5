// @roamhq/wrtc: libwebrtc in Node.
import wrtc from "@roamhq/wrtc";
import {answerTo, conversation, leave} from "./conversation.mjs";

const RATE = 48000, SAMPLES = RATE / 100;
const peer = new wrtc.RTCPeerConnection();
const source = new wrtc.nonstandard.RTCAudioSource();
peer.addTrack(source.createTrack());
const channel = peer.createDataChannel("realtime-channel");
setInterval(() => source.onData({
  samples: new Int16Array(SAMPLES), sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: SAMPLES,
}), 10);

const packets = async () => [...(await peer.getStats()).values()].find(one => one.type === "inbound-rtp")?.packetsReceived ?? 0;
const heard = conversation(text => channel.send(text), async transcript => leave(transcript, await packets(), () => peer.close()));
channel.onmessage = message => heard(message.data);
await peer.setLocalDescription(await peer.createOffer());
await new Promise(resolve => {
  peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
  if (peer.iceGatheringState === "complete") resolve();
});
await peer.setRemoteDescription({type: "answer", sdp: await answerTo(peer.localDescription.sdp)});
