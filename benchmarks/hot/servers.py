"""Redis and memcached as they are measured: on the same tmpfs, behind a Unix socket, with nothing but that."""
import os
import shutil
import signal
import subprocess
import time

from common import process

MEMCACHED_MIB = 2048


def of(subject):
    """The server that a subject talks to, or None."""
    return next((name for name in ("redis", "memcached") if subject.startswith(name)), None)


def program(name):
    return shutil.which({"redis": "redis-server"}.get(name, name))


def command(name, directory, restartable=False):
    socket = os.path.join(directory, f"{name}.sock")
    if name == "redis":
        # Every command is in the log when it is answered; the log is never written anew, which is kind to it.
        return [program(name), "--port", "0", "--unixsocket", socket, "--dir", directory, "--daemonize", "no", "--save", "",
                "--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"]
    given = [program(name), "-s", socket, "-m", str(MEMCACHED_MIB), "-I", "2m"]
    if os.getuid() == 0:
        given += ["-u", "root"]
    return given + (["-e", os.path.join(directory, "memory")] if restartable else [])


def start(name, directory, restartable=False):
    """Does not wait until it answers: its client does."""
    socket = os.path.join(directory, f"{name}.sock")
    if os.path.exists(socket):
        os.unlink(socket)  # of a server that was killed: connecting to it would only be refused
    return process.start(command(name, directory, restartable), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop_keeping(server):
    """The one end after which memcached -e finds its memory again, by a process started in another second."""
    server.send_signal(signal.SIGUSR1)
    server.wait(60)
    time.sleep(1.2)
