"""Headless Chromium over its debugging pipe: pages are measured, used and photographed."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PROGRAM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


def high_pipe() -> tuple[int, int]:
    """A pipe whose ends have numbers that leave 3 and 4 free."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return moved


class Browser:
    """One page in a fresh browser; use it in a ``with`` block."""

    def __enter__(self) -> "Browser":
        self.profile = TemporaryDirectory(ignore_cleanup_errors=True)
        (to_browser, self.sending), (self.receiving, from_browser) = high_pipe(), high_pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        wiring = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            ["bash", "-c", wiring, PROGRAM, *FLAGS, f"--user-data-dir={self.profile.name}"],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.waiting = b""
        self.number = 0
        self.session: str | None = None
        self.events: list[dict] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
        os.close(self.sending)
        os.close(self.receiving)
        self.profile.cleanup()

    def call(self, command: str, **parameters: object) -> dict:
        """Send a command and return its result; events that come in between are kept."""
        self.number += 1
        message = {"id": self.number, "method": command, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.sending, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def receive(self) -> dict:
        """Return the next message."""
        while b"\0" not in self.waiting:
            part = os.read(self.receiving, 1 << 16)
            assert part, "the browser ended"
            self.waiting += part
        message, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(message)

    def open(self, page: Path, width: int, dark: bool = False) -> None:
        """Load a page from disk at a given width and wait until it is there."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while self.run("document.readyState") != "complete":
            time.sleep(0.05)

    def run(self, expression: str) -> object:
        """Evaluate JavaScript in the page and return its value."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        code = {"Enter": 13, "Tab": 9, "Space": 32, "ArrowLeft": 37, "ArrowRight": 39}[key]
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=" " if key == "Space" else key, code=key,
                text=text if kind == "keyDown" else "", windowsVirtualKeyCode=code,
            )  # fmt: skip

    def type(self, text: str) -> None:
        """Type text into what has the focus."""
        self.call("Input.insertText", text=text)

    def wait(self, expression: str) -> None:
        """Wait until JavaScript in the page is true, a minute at most."""
        end = time.monotonic() + 60
        while not self.run(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def requests(self) -> list[str]:
        """Addresses that the page has asked for since it was opened."""
        found = [
            event for event in self.events if event.get("method") == "Network.requestWillBeSent"
        ]
        return [event["params"]["request"]["url"] for event in found]

    def complaints(self) -> list[str]:
        """Errors in the console: refused by the page's policy, missing files, exceptions."""
        return [
            str(event["params"])
            for event in self.events
            if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")
        ]

    def picture(self, name: str) -> bytes:
        """Return what can be seen of the first element that fits a CSS selector, as PNG."""
        box = self.run(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
            " return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height}; })"
            f"(document.querySelector({name!r}))"
        )
        tall = box["height"] > 800
        shot = self.call(
            "Page.captureScreenshot", clip={**box, "scale": 1}, captureBeyondViewport=tall
        )
        return base64.b64decode(shot["data"])

    def photograph(self, path: Path, height: int | None = None) -> None:
        """Save the page from top to bottom, or its first `height` pixels, as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"]}
        shot = self.call(
            "Page.captureScreenshot", captureBeyondViewport=True, clip={**clip, "scale": 1}
        )
        path.write_bytes(base64.b64decode(shot["data"]))
