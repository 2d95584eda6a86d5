// werift: ICE, DTLS, SCTP and SRTP in TypeScript.
import {MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket} from "werift";
import {SILENCE, answerTo, conversation, leave} from "./conversation.mjs";

const OPUS = new RTCRtpCodecParameters({mimeType: "audio/opus", clockRate: 48000, channels: 2, payloadType: 111});
const peer = new RTCPeerConnection({codecs: {audio: [OPUS]}, iceServers: [], iceAdditionalHostAddresses: ["127.0.0.1"]});
const track = new MediaStreamTrack({kind: "audio"});
const transceiver = peer.addTransceiver(track, {direction: "sendrecv"});
const channel = peer.createDataChannel("realtime-channel");

let packets = 0, sequence = 0;
transceiver.onTrack.subscribe(received => received.onReceiveRtp.subscribe(() => { packets += 1; }));
channel.stateChanged.subscribe(state => {
  if (state !== "open") return;
  setInterval(() => {
    const header = new RtpHeader({payloadType: 111, sequenceNumber: sequence & 0xffff, timestamp: sequence * 960});
    track.writeRtp(new RtpPacket(header, Buffer.from(SILENCE)));
    sequence += 1;
  }, 20);
});

const heard = conversation(text => channel.send(text), transcript => leave(transcript, packets, () => peer.close()));
channel.onMessage.subscribe(data => heard(data.toString()));
await peer.setLocalDescription(await peer.createOffer());
await peer.setRemoteDescription({type: "answer", sdp: await answerTo(peer.localDescription.sdp)});
