"""What a browser is given for camera and microphone: moving pictures and sound that cost bits."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30


def chromium_arguments(folder: Path) -> Sequence[str]:
    """Write camera and microphone into ``folder``; the arguments that make Chromium take them."""
    camera, microphone = folder / "camera.y4m", folder / "microphone.wav"
    write_camera(camera)
    write_microphone(microphone)
    return (
        f"--use-fake-device-for-media-stream=fps={FRAME_RATE}",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        f"--use-file-for-fake-audio-capture={microphone}",
    )


def write_camera(path: Path) -> None:
    """A moving, textured picture of two seconds, which an encoder has to work for."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(40, 216, (HEIGHT // 8 + 1, WIDTH // 4 + 1)).astype(np.float32)
    texture = np.kron(coarse, np.ones((8, 8), np.float32))[:HEIGHT, :]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAME_RATE}:1 Ip A1:1 C420mpeg2\n".encode())
        for frame in range(2 * FRAME_RATE):
            luma = texture[:, 2 * frame : 2 * frame + WIDTH]
            noise = rng.normal(0, 4, luma.shape)
            file.write(b"FRAME\n")
            file.write(np.clip(luma + noise, 16, 235).astype(np.uint8).tobytes())
            file.write(bytes([128]) * (WIDTH * HEIGHT // 2))


def write_microphone(path: Path) -> None:
    """Four seconds of noise that swells and falls like syllables, as 48 kHz WAV."""
    rng = np.random.default_rng(2)
    seconds = np.arange(4 * 48_000) / 48_000
    sound = np.convolve(rng.normal(0, 1, len(seconds)), np.ones(24) / 24, "same")
    sound *= 12_000 * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * seconds))
    samples = np.clip(sound, -32_767, 32_767).astype("<i2").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, 48_000, 96_000, 2, 16),
        *(b"data", len(samples)),
    )
    path.write_bytes(head + samples)
