"""A bucket behind a real S3 server on this machine: moto's, in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import fsspec


@dataclass(frozen=True)
class Bucket:
    """A bucket, and the server that it is on."""

    url: str
    server: subprocess.Popen

    @property
    def files(self):
        """Name below the bucket -> bytes, of all that is in it."""
        system, root = self._open()
        return {name[len(root) + 1 :]: system.cat_file(name) for name in system.find(root)}

    def write(self, name, content):
        """Put an object there, behind everybody's back."""
        system, root = self._open()
        system.pipe_file(f"{root}/{name}", content)

    def _open(self):
        system, root = fsspec.core.url_to_fs(self.url)
        system.invalidate_cache()
        return system, root


@contextlib.contextmanager
def serving(name="bucket"):
    """Serve a bucket for the block; what inherits the environment finds it under its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {variable: os.environ.get(variable) for variable in settings}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ.update(settings)
    try:
        _wait(port)
        system = fsspec.filesystem("s3", skip_instance_cache=True)
        system.mkdir(name)
        yield Bucket(f"s3://{name}", server)
    finally:
        server.kill()
        server.wait()
        for variable, value in before.items():
            os.environ.pop(variable) if value is None else os.environ.update({variable: value})
        type(system).clear_instance_cache()  # another server may come


def _wait(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise TimeoutError("the S3 server does not answer")
