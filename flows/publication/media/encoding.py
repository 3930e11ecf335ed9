"""Pixels as files that are the same bytes when they are made again: PNG, animated PNG, and MP4 by ffmpeg."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from flows.config.child_environment import child_environment

COMPRESSION = 6  # of zlib: 9 takes five times as long for three hundredths less
FRAMES_A_SECOND = 5
PATIENCE_S = 600.0


class VideoError(Exception):
    """No video can be made on this machine; the message says why."""


def has_ffmpeg() -> bool:
    """Tell whether `ffmpeg` is on the path."""
    return shutil.which("ffmpeg") is not None


def png_bytes(image: Image.Image) -> bytes:
    """Write a picture as PNG with nothing in it but its pixels."""
    held = io.BytesIO()
    image.save(held, "png", compress_level=COMPRESSION)
    return held.getvalue()


def apng_bytes(frames: Sequence[Image.Image], *, seconds: Sequence[float]) -> bytes:
    """Write frames as an animated PNG that begins again at its end; each frame stays for its own time."""
    held = io.BytesIO()
    durations = [round(one * 1000) for one in seconds]
    frames[0].save(
        held, "png", save_all=True, append_images=list(frames[1:]), duration=durations, loop=0,
        compress_level=COMPRESSION,
    )  # fmt: skip
    return held.getvalue()


def mp4_bytes(frames: Sequence[Image.Image], *, seconds: Sequence[float]) -> bytes:
    """Write frames of one size as a video (H.264), by the `ffmpeg` on the path, in one thread and without times.

    The same version of ffmpeg gives the same bytes. Raises `VideoError` where there is none, or where it fails.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise VideoError("`ffmpeg` is not on the path")
    even = [_even(frame) for frame in frames]
    raw = b"".join(
        frame.tobytes() * max(1, round(time * FRAMES_A_SECOND)) for frame, time in zip(even, seconds, strict=True)
    )
    with TemporaryDirectory(prefix="sitewatch-video-") as folder:
        path = Path(folder) / "video.mp4"
        command = [program, *_options(even[0].size), str(path)]
        try:
            done = subprocess.run(
                command, input=raw, capture_output=True, env=child_environment(), timeout=PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VideoError(f"`ffmpeg` did not run to its end ({type(error).__name__})") from error
        if done.returncode != 0 or not path.exists():
            said = done.stderr.decode("utf-8", "replace").replace(str(path), path.name).strip().splitlines()
            raise VideoError(f"`ffmpeg` ended with status {done.returncode}: {said[-1][:200] if said else 'no word'}")
        return path.read_bytes()


def _even(frame: Image.Image) -> Image.Image:
    """The frame with even sides, as H.264 has them: a last row or column is added in white."""
    width, height = (side + side % 2 for side in frame.size)
    out = Image.new("RGB", (width, height), "#ffffff")
    out.paste(frame, (0, 0))
    return out


def _options(size: tuple[int, int]) -> list[str]:
    return [
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *(
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{size[0]}x{size[1]}",
            "-r",
            str(FRAMES_A_SECOND),
            "-i",
            "pipe:0",
        ),
        *("-an", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
        *("-c:v", "libx264", "-preset", "medium", "-crf", "16", "-pix_fmt", "yuv420p", "-threads", "1"),
        *("-movflags", "+faststart", "-f", "mp4"),
    ]
