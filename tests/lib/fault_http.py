"""HTTP/1.1 messages and the signatures of S3, for fault_proxy."""

import hashlib
import hmac
import re
import time


class Gone(Exception):
    """The conversation with the client is over."""


# ---- messages

class Stream:
    """Reads from a socket what HTTP is made of."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""

    def more(self):
        data = self.connection.recv(1 << 18)
        if not data:
            raise Gone
        return data

    def until(self, mark):
        while mark not in self.buffer:
            self.buffer += self.more()
        found, self.buffer = self.buffer.split(mark, 1)
        return found

    def exactly(self, size):
        body = bytearray(self.buffer[:size])
        self.buffer = self.buffer[size:]
        while len(body) < size:
            data = self.more()
            self.buffer = data[size - len(body):]
            body += data[:size - len(body)]
        return bytes(body)

    def chunked(self):
        body = b""
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            self.until(b"\r\n")
        while self.until(b"\r\n"):
            pass
        return body

    def rest(self):
        body = self.buffer
        while data := self.connection.recv(1 << 18):
            body += data
        return body


class Message:
    """A request's or an answer's first line and headers, and the body, once it is known."""

    def __init__(self, first, headers, body=b""):
        self.first, self.headers, self.body = first, headers, body

    @classmethod
    def read(cls, stream):
        first, *lines = stream.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        return cls(first, [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)])

    def get(self, name, default=None):
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    def set(self, name, value):
        """None removes it."""
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        if value is not None:
            self.headers.append((name, str(value)))

    def head(self):
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    method = property(lambda self: self.first.split(" ")[0])
    target = property(lambda self: self.first.split(" ")[1])
    status = property(lambda self: int(self.first.split(" ")[1]))


def read_answer(stream, method):
    answer = Message.read(stream)
    while answer.status == 100:
        answer = Message.read(stream)
    if method == "HEAD" or answer.status in (204, 304):
        return answer
    if answer.get("transfer-encoding", "").lower() == "chunked":
        answer.body = stream.chunked()
    elif answer.get("content-length") is not None:
        answer.body = stream.exactly(int(answer.get("content-length")))
    else:
        answer.body = stream.rest()
    answer.set("Transfer-Encoding", None)
    answer.set("Content-Length", len(answer.body))
    return answer


def http_date(shift):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + shift))


# ---- signatures, https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=(\w+)")


def signed_by(request, secret):
    parts = AUTHORIZATION.match(request.get("authorization", ""))
    return bool(parts) and signature(request, secret, parts[2], parts[3].split(";")) == parts[4]


def sign_again(request, secret):
    """With the true time, and the headers that are left."""
    key, scope, names, _ = AUTHORIZATION.match(request.get("authorization")).groups()
    request.set("x-amz-date", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    scope = request.get("x-amz-date")[:8] + scope[8:]
    names = [name for name in names.split(";") if request.get(name) is not None]
    signed = signature(request, secret, scope, names)
    request.set("Authorization", f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signed}")


def signature(request, secret, scope, names):
    path, _, query = request.target.partition("?")
    query = "&".join(sorted(part if "=" in part else part + "=" for part in query.split("&") if part))
    headers = "".join(f"{name}:{' '.join(request.get(name, '').split())}\n" for name in names)
    payload = request.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join((request.method, path, query, headers, ";".join(names), payload))
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{request.get('x-amz-date')}\n{scope}\n{digest}"
    key = b"AWS4" + secret.encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()
