"""Starting, timing and ending processes. Whatever is started here is ended at the latest when Python ends."""
import atexit
import os
import select
import signal
import subprocess
import time

_started = []


def start(command, group=False, **options):
    """A process that is ended with us. With `group` it leads a process group, which is ended as a whole."""
    process = subprocess.Popen(command, start_new_session=group, **options)
    process.leads_group = group
    _started.append(process)
    return process


def end(process, patience=5.0):
    """SIGTERM, and SIGKILL for what does not listen; of a group SIGKILL at once."""
    if process.leads_group:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    elif process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()
    if process in _started:
        _started.remove(process)


@atexit.register
def _end_all():
    for process in list(_started):
        end(process, patience=0.5)


def timed(command):
    """Runs it; its wall and processor time in milliseconds. It has to succeed."""
    null = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    begin = time.monotonic_ns()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=null)
    _, status, usage = os.wait4(pid, 0)
    wall = (time.monotonic_ns() - begin) / 1e6
    if status != 0:
        raise RuntimeError(f"{' '.join(command)}: ended with {os.waitstatus_to_exitcode(status)}")
    return wall, (usage.ru_utime + usage.ru_stime) * 1e3


class Lines:
    """Reads what a process prints line by line, with a deadline."""

    def __init__(self, stream):
        self.fd = stream.fileno()
        self.rest = b""

    def next(self, timeout):
        """A line, or None when none came within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if not select.select([self.fd], [], [], max(0.0, left))[0]:
                return None
            piece = os.read(self.fd, 65536)
            if not piece:
                raise RuntimeError("a process ended that should not have")
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def expect(self, timeout=120.0):
        line = self.next(timeout)
        if line is None:
            raise RuntimeError(f"a process said nothing for {timeout:g} s")
        return line
