"""A primary that says what a test wants it to say, and remembers what it was asked.

It speaks the control protocol (NUL-ended JSON over a unix stream socket) and can break it: a
script may write any bytes, hang up anywhere, or never answer.
"""

import json
import os
import socket
import threading


class Talk:
    """One connection, as a script sees it."""

    def __init__(self, connection):
        self.connection = connection
        self.pending = b""

    def receive(self):
        """The next call as a dict, or None where the client has hung up."""
        while b"\0" not in self.pending:
            data = self.connection.recv(65536)
            if not data:
                return None
            self.pending += data
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def send_bytes(self, data):
        self.connection.sendall(data)

    def reply(self, parameters, continues=False):
        message = {"parameters": parameters}
        if continues:
            message["continues"] = True
        self.send_bytes(json.dumps(message).encode() + b"\0")

    def error(self, name, parameters):
        self.send_bytes(json.dumps({"error": name, "parameters": parameters}).encode() + b"\0")

    def wait_for_hang_up(self):
        while self.connection.recv(65536):
            pass


def answer(**replies):
    """A script that answers a method with parameters, or with what a function makes of it."""
    def script(talk, call):
        reply = replies[call["method"].rpartition(".")[2]]
        if callable(reply):
            return reply(talk, call)
        talk.reply(reply)
        return True
    return script


class FakePrimary:
    """Listens at `path`; each connection is served by script(talk, call) for each of its calls,
    until the script returns False or raises."""

    def __init__(self, path, script):
        self.path = path
        self.script = script
        self.calls = []
        self.called = threading.Condition()
        self.failure = None
        self.connections = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path + ".new")
        os.chmod(path + ".new", 0o777)
        self.listener.listen(16)
        os.rename(path + ".new", path)  # in the place of a stale one, if there is one
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        talk = Talk(connection)
        try:
            while True:
                call = talk.receive()
                if call is None:
                    break
                with self.called:
                    self.calls.append(call)
                    self.called.notify_all()
                if self.script(talk, call) is False:
                    break
        except OSError:
            pass  # the client hung up
        except Exception as failure:  # shown by the test
            self.failure = failure
        finally:
            connection.close()

    def methods(self):
        return [call["method"].rpartition(".")[2] for call in self.calls]

    def parameters(self, method):
        """Of each call of the method, in their order."""
        return [call.get("parameters", {}) for call in self.calls
                if call["method"].rpartition(".")[2] == method]

    def wait_for(self, method, count):
        """Until the method has been called so often."""
        with self.called:
            if not self.called.wait_for(lambda: self.methods().count(method) >= count, 60):
                raise TimeoutError(f"{method} was not called {count} times")

    def close(self, leave_file=False):
        # shutdown(2) wakes the accept(2) of the other thread; close(2) alone does not.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if not leave_file:
            os.unlink(self.path)
