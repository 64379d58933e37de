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
AUDIO_SLOT: Final = 37  # of 20 ms each, sent or silent
COMFORT_SLOT: Final = 38  # in which the latest packet of a silence went
SILENT: Final = 39  # 1: the other one speaks
TURN_FROM_NS: Final = 40  # from here on one turn of the conversation in two is ours
EXTRA: Final = 41  # packets that still make a burst of the frame, because a keyframe was asked for
REPORT_DUE_NS: Final = 42  # when the next RTCP report goes
OUT: Final = 43  # what was sent: of audio OUT_FIELDS numbers, then of video
OUT_FIELDS: Final = 4
IN: Final = OUT + 2 * OUT_FIELDS  # what came: likewise
IN_FIELDS: Final = 10
FIELDS: Final = IN + 2 * IN_FIELDS

# Within OUT: RFC 3550 section 6.4.1
OUT_PACKETS: Final = 0
OUT_OCTETS: Final = 1
OUT_TIMESTAMP: Final = 2  # of the latest packet
OUT_AT_NS: Final = 3  # when that went

# Within IN: RFC 3550 appendices A.1, A.3 and A.8
IN_SSRC: Final = 0
IN_FIRST: Final = 1  # sequence numbers, without their wrap
IN_HIGHEST: Final = 2  # −1 as long as nothing came
IN_PACKETS: Final = 3
IN_EXPECTED_BEFORE: Final = 4  # at the latest report
IN_PACKETS_BEFORE: Final = 5
IN_TRANSIT: Final = 6  # ticks of the RTP clock
IN_JITTER_SCALED: Final = 7  # the same, times 16
IN_REPORT_MIDDLE: Final = 8  # of the latest sender report: the middle 32 bits of its NTP time …
IN_REPORT_NS: Final = 9  # … and when it came

# The run
START_NS: Final = 0  # before it nothing is sent
FROM_NS: Final = 1  # measured from here …
UNTIL_NS: Final = 2  # … to here, and sent no longer
STOP_NS: Final = 3  # and received until here at the latest
TRAILER: Final = 4  # octets that SRTP adds to a packet
PERIOD_NS: Final = 5
TURN_NS: Final = 6  # in a conversation one speaks for so long, then the other; 0: both always do
BURST: Final = 7  # packets of a keyframe that is asked for; 0: as many as any frame has
BURST_SIZE: Final = 8  # octets of each
REPORT_EVERY_NS: Final = 9  # between two RTCP reports; 0: none go
RUN_FIELDS: Final = 10

BIN_NS: Final = 10_000  # of the histograms of time
BINS: Final = 100_000  # the last holds everything later, from 1 s on
SEEN: Final = 512  # video packets back, a packet that came twice is known

# What went wrong, in counts
SEND_FAILED: Final = 0
PROTECT_FAILED: Final = 1
UNPROTECT_FAILED: Final = 2
MIXED_UP: Final = 3  # from someone else than the partner, or without a stamp
CONTROL_PACKETS: Final = 4  # RTCP, STUN and DTLS: no fault
COUNTS: Final = 5
