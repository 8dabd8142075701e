# SPDX-License-Identifier: MIT
"""Keys and certificates for servers that use TLS, and connections to them; for tests and benchmarks."""

import os
import shutil
import socket
import subprocess
import tempfile

import wire
from servers import BUILD

TLS_PROGRAM = os.path.join(BUILD, "client", "venus-plus", "venus-tls")


class Credentials:
    """A folder of files that belong to nobody else. Certificates are made by the program openssl."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.umask = os.umask(0o077)

    def finish(self):
        os.umask(self.umask)
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(self.path(name), mode)
        return self.path(name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")

    def certificate(self, name, authority, subject, extensions, days="30"):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        self.write("extensions", extensions)
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                     "-CAcreateserial", "-days", days, "-extfile", "extensions", "-out", f"{name}.pem")

    def options(self, *which):
        """What a server is to be given: the file "keys", or its certificate and who may have signed those of clients."""
        values = {"keys": ("--keys", self.path("keys")),
                  "certificates": ("--tls-cert", self.path("server.pem"), "--tls-key", self.path("server.key"),
                                   "--tls-client-ca", self.path("ca.pem"))}
        return [word for each in which for word in values[each]]


def venus_tls(port, *arguments, seconds=5):
    """The program at work: its process, and the connection that it gives."""
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen([TLS_PROGRAM, "--host=127.0.0.1", f"--port={port}", f"--timeout={seconds * 1000}",
                                    *arguments], stdin=its)
    ours.settimeout(20 * wire.slowness())
    return process, ours
