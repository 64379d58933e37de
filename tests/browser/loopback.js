// A call of a page with itself: the near connection receives what the far one sends.
const far = new RTCPeerConnection();
const near = new RTCPeerConnection(); // the newest, which is the one that the probe watches
const received = new MediaStream();
near.ontrack = ({ track }) => {
  received.addTrack(track);
  document.querySelector("video").srcObject = received;
};
const stream = await navigator.mediaDevices.getUserMedia({
  audio: true,
  video: { width: 320, height: 180, frameRate: 15 },
});
for (const track of stream.getTracks()) far.addTrack(track, stream);

// The description with all candidates in it.
async function describe(connection) {
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== "complete") {
    await new Promise((resolve) =>
      connection.addEventListener("icegatheringstatechange", resolve, { once: true }),
    );
  }
  return connection.localDescription;
}
await near.setRemoteDescription(await describe(far));
await far.setRemoteDescription(await describe(near));

document.querySelector("button").onclick = () => far.close();
