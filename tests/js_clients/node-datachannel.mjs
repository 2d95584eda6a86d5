// libdatachannel (libjuice): its socket is bound to no address, and what it announces is not the loopback address.
import rtc from "node-datachannel";
import {SILENCE, answerTo, conversation, leave} from "./conversation.mjs";

const PAYLOAD_TYPE = 111, SSRC = 4711;
// Else the offer is made, and gathering may be over, before the last line of this file.
const peer = new rtc.PeerConnection("client", {iceServers: [], disableAutoNegotiation: true});
const media = new rtc.Audio("audio", "SendRecv");
media.addOpusCodec(PAYLOAD_TYPE);
media.addSSRC(SSRC, "client");
const track = peer.addTrack(media);
const channel = peer.createDataChannel("realtime-channel");

let packets = 0, sequence = 0;
track.onMessage(data => { if ((data[1] & 0x7f) === PAYLOAD_TYPE) packets += 1; });
track.onOpen(() => setInterval(() => {
  const packet = Buffer.alloc(12 + SILENCE.length);
  packet[0] = 0x80;
  packet[1] = PAYLOAD_TYPE;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(sequence * 960, 4);
  packet.writeUInt32BE(SSRC, 8);
  packet.set(SILENCE, 12);
  sequence += 1;
  if (track.isOpen()) track.sendMessageBinary(packet);
}, 20));

channel.onMessage(conversation(text => channel.sendMessage(text), transcript => leave(transcript, packets, () => peer.close())));
peer.onGatheringStateChange(async state => {
  if (state === "complete") peer.setRemoteDescription(await answerTo(peer.localDescription().sdp), "answer");
});
peer.setLocalDescription("offer");
