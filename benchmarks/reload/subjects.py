"""What is compared: okg, and the scripts of the upstream document, word for word but for paths and port. Each takes
publishes and tells which loads they led to."""
import array
import dataclasses
import fcntl
import json
import os
import subprocess
import termios
import time

from common import process
from reload import sets


@dataclasses.dataclass
class Load:
    ended_ns: int
    missing: int
    generation: int
    mixed: bool


@dataclasses.dataclass
class Publish:
    reloads: int = 0
    loads: list = dataclasses.field(default_factory=list)
    ended_ns: int = 0  # of the publisher
    cut: bool = False  # it was still reloading when we lost patience

    def wrong(self):
        return sum(1 for load in self.loads if load.mixed)

    def stale(self, generation):
        """Is what was loaded last anything but what was published?"""
        return not self.loads or self.loads[-1].mixed or self.loads[-1].generation != generation

    def storm_ms(self):
        return max(0.0, (self.loads[-1].ended_ns - self.ended_ns) / 1e6) if self.loads else 0.0


class Okg:
    """A game server linked with libokg.so, and the real `okg publish`."""
    name = "okg"

    def __init__(self, programs, place, the_set):
        self.okg = programs.okg
        self.payload, self.run = sets.fresh(place, "payload"), sets.fresh(place, "run")
        self.server = process.start([programs.server, self.payload, self.run, *the_set.arguments()],
                                    stdout=subprocess.PIPE)
        self.lines = process.Lines(self.server.stdout)
        self.prepares = json.loads(self.lines.expect())["prepares"]

    def publish(self, source, generation):
        done = Publish()
        subprocess.run([self.okg, "publish", "--from", source, "--to", self.payload, "--run", self.run,
                        "--version", str(generation), "--once", "--wait", "120s"],
                       check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OKG_LOG": "error"})
        done.ended_ns = time.monotonic_ns()
        # The server had answered before the publisher ended; anything after that would be a reload too many.
        patience = 120.0
        while (line := self.lines.next(patience)) is not None:
            said = json.loads(line)
            done.loads.append(Load(0, said["missing"], said["generation"], said["mixed"]))
            done.reloads += said["prepares"] - self.prepares
            self.prepares = said["prepares"]
            patience = 0.03
        return done

    def end(self):
        process.end(self.server)


class Logged:
    """A server whose loads stand in the loader's log."""

    def __init__(self, programs, place, the_set):
        self.live = sets.fresh(place, "live")
        self.log = os.path.join(place, "loads")
        open(self.log, "w", encoding="utf-8").close()
        self.read = 0
        self.loader = [programs.loader, self.live, *the_set.arguments(), self.log]

    def rsync(self, source):
        return ["bash", "-c", f"rsync -aP {source}/* {self.live}/"]

    def loads(self):
        with open(self.log, encoding="utf-8") as file:
            file.seek(self.read)
            lines = file.readlines()
            self.read = file.tell()
        numbers = [[int(word) for word in line.split()] for line in lines]
        return [Load(ended, missing, generation, bool(mixed)) for _, ended, missing, generation, mixed in numbers]


class Inotifywait(Logged):
    """The document's inotifywait script; a stub that loads the set stands for `nginx -s reload`."""
    name = "inotifywait script"
    flags = ("inotifywait -mrq --timefmt '%d/%m/%y %H:%M' --format '%T %w%f%e' "
             "-e modify,delete,create,attrib {live}/")
    script = flags + ' |  while read file\ndo\n\t{loader}\n\techo "reload successfully"\ndone\n'

    def __init__(self, programs, place, the_set, quiet=0.25, patience=240.0):
        super().__init__(programs, place, the_set)
        self.quiet, self.patience = quiet, patience
        text = self.script.format(live=self.live, loader=" ".join(self.loader))
        self.shell = process.start(["bash", "-c", text], group=True, stdout=subprocess.DEVNULL)
        self.watcher, self.reader = self._pipeline()

    def _pipeline(self):
        """Process ids of inotifywait, once it watches, and of what reads from it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.01)
            children = self._children(self.shell.pid)
            watcher = next((child for child in children if self._watches(child)), None)
            if watcher and len(children) == 2:
                return watcher, next(child for child in children if child != watcher)
        raise RuntimeError("inotifywait does not watch")

    @staticmethod
    def _children(pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [int(child) for child in file.read().split()]
        except OSError:
            return []

    @staticmethod
    def _watches(pid):
        try:
            for name in os.listdir(f"/proc/{pid}/fdinfo"):
                with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                    if "inotify wd" in file.read():
                        return True
        except OSError:
            pass
        return False

    def _pipe_is_empty(self):
        fd = os.open(f"/proc/{self.reader}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
        try:
            waiting = array.array("i", [0])
            fcntl.ioctl(fd, termios.FIONREAD, waiting)
            return waiting[0] == 0
        finally:
            os.close(fd)

    def _settle(self):
        """Waits until nothing is loaded any more; False when we lost patience."""
        deadline = time.monotonic() + self.patience
        size, since = -1, 0.0
        while time.monotonic() < deadline:
            now = os.path.getsize(self.log)
            if now != size or not self._pipe_is_empty() or self._children(self.reader):
                size, since = now, time.monotonic()
            elif time.monotonic() - since > self.quiet:
                return True
            time.sleep(0.01)
        return False

    def publish(self, source, generation):
        subprocess.run(self.rsync(source), check=True, stdout=subprocess.DEVNULL)
        done = Publish(ended_ns=time.monotonic_ns())
        done.cut = not self._settle()
        done.loads = self.loads()
        done.reloads = len(done.loads)
        return done

    def end(self):
        process.end(self.shell)


class InotifywaitInProcess(Inotifywait):
    """The same mask, but each line is handled by the game's own process at once instead of by another program."""
    name = "inotifywait, in-process"
    script = Inotifywait.flags + " | {loader} --lines\n"


class CurlLoop(Logged):
    """The document's request.sh as a postStart hook: kubelet starts it together with the sidecar's rsync."""
    name = "curl loop"
    script = """
while true; do
  response=$(curl -s -w "%{http_code}" http://localhost:PORT/reload)
  if [[ $response -eq 200 ]]; then
    echo "Server reloaded successfully!"
    break
  else
    echo "Server reload failed, response code: $response"
  fi
  sleep 1
done
"""

    def __init__(self, programs, place, the_set):
        super().__init__(programs, place, the_set)
        self.server = process.start([*self.loader, "--http"], stdout=subprocess.PIPE)
        self.port = process.Lines(self.server.stdout).expect()

    def publish(self, source, generation):
        copying = process.start(self.rsync(source), stdout=subprocess.DEVNULL)
        hook = process.start(["bash", "-c", self.script.replace("PORT", self.port)], stdout=subprocess.DEVNULL)
        copying.wait()
        done = Publish(ended_ns=time.monotonic_ns())
        hook.wait()
        for ended in (copying, hook):
            process.end(ended)
        done.loads = self.loads()
        done.reloads = len(done.loads)
        return done

    def end(self):
        process.end(self.server)
