"""Drives a running `connect-agent sidecar`: its log is read as it comes, and everything is waited for."""

import json
import signal
import threading
import time

SECONDS = 120


class Sidecar:
    def __init__(self, place, *arguments, **environment):
        environment.setdefault("CONNECT_AGENT_INTERVAL", "1h")
        self.place = place
        self.process = place.start("sidecar", *arguments, **environment)
        self.events = []
        self.raw = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        self.place.assert_no_leak("\n".join(self.raw))

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self.raw.append(line.decode())
                if line.startswith(b"{"):
                    self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def said(self, text, since=0):
        return [e for e in self.events[since:] if text in e["message"] or text in e.get("reason", "")]

    def wait_for(self, text, count=1, since=0):
        """Until the log has `count` lines with the text; gives the last of them."""
        return self.wait(lambda: len(self.said(text, since)) >= count, f"{text!r} in the log") and self.said(text, since)[-1]

    def wait(self, condition, what):
        deadline = time.monotonic() + SECONDS
        with self.changed:
            while not condition():
                assert not self.is_over() or condition(), f"ended with {self.process.returncode} before {what}: {self.raw[-10:]}"
                assert time.monotonic() < deadline, f"no {what}: {self.raw[-20:]}"
                self.changed.wait(0.02)
        return True

    def is_over(self):
        """Has it ended, and has all that it said been read?"""
        return self.process.poll() is not None and not self.reader.is_alive()

    def wait_published(self, count=1):
        self.wait(lambda: len([e for e in self.events if e["message"] == "published"]) >= count, f"{count} publications")

    def refresh(self):
        """Asks for a refresh, and waits until it is over."""
        since = len(self.events)
        self.process.send_signal(signal.SIGHUP)

        def is_over():
            messages = [e["message"] for e in self.events[since:]]
            return "asked to refresh now" in messages and "refresh over" in messages[messages.index("asked to refresh now"):]

        self.wait(is_over, "the end of the refresh")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(SECONDS)
