"""What the loop keeps of each participant, and what a run is told: places in rows of int64."""

from typing import Final

# One participant: a row of int64
FD: Final = 0
OUTBOUND: Final = 1  # srtp_t
INBOUND: Final = 2
PARTNER: Final = 3  # the row whose media comes here, or −1
AUDIO_SSRC: Final = 4
VIDEO_SSRC: Final = 5
AUDIO_SEQUENCE: Final = 6
VIDEO_SEQUENCE: Final = 7
TRANSPORT_NUMBER: Final = 8
PICTURE: Final = 9
FRAME_STARTS: Final = 10  # 1: the next video packet is the first of its frame
VIDEO_TIMESTAMP: Final = 11
PLACE: Final = 12  # in the profile
ROUND_NS: Final = 13  # when the current round through the profile began
DUE_NS: Final = 14  # when the next packet goes
MIDS_LEFT: Final = 15
SENT: Final = 16  # stamped within the measured time
RECEIVED: Final = 17  # of those that the partner stamped within the measured time
OVERFLOW: Final = 18  # datagrams lost in our own socket, as the kernel counts
SENDS: Final = 19  # 1: has media to send; otherwise its DUE_NS never comes
EXPECT_FROM_NS: Final = 20  # what goes in this time is to arrive, and counts
EXPECT_UNTIL_NS: Final = 21
CUT_FROM_NS: Final = 22  # in this time nothing is sent, as if the line were cut
CUT_UNTIL_NS: Final = 23
LAST_SENT_NS: Final = 24
FIRST_PACKET_NS: Final = 25  # when the first media of the partner came, 0 as long as none did
FIRST_KEYFRAME_NS: Final = 26
LAST_RECEIVED_NS: Final = 27
TRANSIT_NS: Final = 28  # of the latest audio packet
JITTER_SCALED: Final = 29  # RFC 3550 section 6.4.1, ns times 16
KEYFRAME: Final = 30  # 1: the frame being sent is one
KEYFRAME_ASKED: Final = 31
HIGHEST: Final = 32  # sequence number of the video that comes, −1 as long as none did
RECOVERED: Final = 33  # came by RTX
NACKED: Final = 34  # packets asked for
TAKEN_NS: Final = 35  # from when on there is anything to send
BACK_NS: Final = 36  # when the first packet after a cut went
FIELDS: Final = 37

# The run
START_NS: Final = 0  # before it nothing is sent
FROM_NS: Final = 1  # measured from here …
UNTIL_NS: Final = 2  # … to here, and sent no longer
STOP_NS: Final = 3  # and received until here at the latest
TRAILER: Final = 4  # octets that SRTP adds to a packet
PERIOD_NS: Final = 5
RUN_FIELDS: Final = 6

# What went wrong, in counts
SEND_FAILED: Final = 0
PROTECT_FAILED: Final = 1
UNPROTECT_FAILED: Final = 2
MIXED_UP: Final = 3  # from someone else than the partner, or without a stamp
CONTROL_PACKETS: Final = 4  # RTCP, STUN and DTLS: no fault
COUNTS: Final = 5
