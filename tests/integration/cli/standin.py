"""A small HTTPS server in the place of an installation: checks every signature by botocore, records every request, and
answers KMS, IAM and STS calls from memory in the shapes of AWS."""
import hashlib, http.server, json, os, ssl, subprocess, threading, time, urllib.parse
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY, SECRET_KEY, REGION = "AKIDEXAMPLE", "a/secret+key", "us-east-1"


def make_certificates(directory):
    """A CA, and a certificate of it for 127.0.0.1."""

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=directory, check=True, stderr=subprocess.DEVNULL)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Stand-in CA", "-days", "2",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=127.0.0.1")
    with open(os.path.join(directory, "ext"), "w") as f:
        f.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "tls.pem", "-days", "2", "-extfile", "ext")


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def check_signature(method, target, headers, body, token):
    """Recomputes the signature by botocore; returns the service it is for. Asserts what cloister promises."""
    algorithm, rest = headers["authorization"].split(" ", 1)
    parts = dict(p.strip().split("=", 1) for p in rest.split(","))
    access_key, _, region, service, _ = parts["Credential"].split("/")
    signed = parts["SignedHeaders"].split(";")
    assert algorithm == "AWS4-HMAC-SHA256" and region == REGION
    for name in headers:
        if name.startswith(("x-amz-", "x-cloister-")) or name == "host":
            assert name in signed, name + " is not signed"
    assert "x-cloister-nonce" in signed and len(headers["x-cloister-nonce"]) == 32
    assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
    if access_key != ACCESS_KEY:
        raise Refusal(403, "UnrecognizedClientException" if service == "kms" else "InvalidClientTokenId",
                      "the access key is not known")
    request = AWSRequest(method=method, url="https://" + headers["host"] + target,
                         headers={n: headers[n] for n in signed}, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    auth = kind(Credentials(ACCESS_KEY, SECRET_KEY, token), service, region)
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    if expected != parts["Signature"]:
        raise Refusal(403, "SignatureDoesNotMatch", "the signature is another one")
    return service


class Memory:
    """What the stand-in remembers."""

    def __init__(self):
        self.keys, self.users, self.roles, self.policies = {}, {}, {}, {}

    # --- KMS ---

    def kms(self, operation, given):
        if operation == "CreateKey":
            key = "0000000%d-1111-2222-3333-444444444444" % len(self.keys)
            self.keys[key] = {"KeyId": key, "Arn": "arn:aws:kms:%s:111122223333:key/%s" % (REGION, key),
                              "KeyState": "Enabled", "CreationDate": 1795376000,
                              "Description": given.get("Description", ""), "Policy": given.get("Policy", "{}")}
            return self.describe(key)
        if operation == "ListKeys":
            ids = sorted(self.keys)
            start = int(given.get("Marker", "0"))
            answer = {"Keys": [{"KeyId": i, "KeyArn": self.keys[i]["Arn"]} for i in ids[start:start + 2]],
                      "Truncated": start + 2 < len(ids)}
            return dict(answer, NextMarker=str(start + 2)) if answer["Truncated"] else answer
        key = given["KeyId"]
        if key not in self.keys:
            raise Refusal(400, "NotFoundException", "there is no key " + key)
        if operation == "DescribeKey":
            return self.describe(key)
        if operation == "GetKeyPolicy":
            return {"Policy": self.keys[key]["Policy"], "PolicyName": "default"}
        if operation == "PutKeyPolicy":
            self.keys[key]["Policy"] = given["Policy"]
        elif operation in ("EnableKey", "DisableKey"):
            self.keys[key]["KeyState"] = operation[:-3] + "d"
        else:
            raise Refusal(400, "UnknownOperationException", operation)
        return None

    def describe(self, key):
        return {"KeyMetadata": {n: v for n, v in self.keys[key].items() if n != "Policy"}}

    # --- IAM and STS ---

    def query(self, service, form):
        action = form["Action"]
        if action == "GetCallerIdentity":
            return "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:root</Arn><UserId>1111</UserId>"
        for noun, table in (("User", self.users), ("Role", self.roles)):
            name = form.get(noun + "Name", "")
            if action == "Create" + noun:
                if name in table:
                    raise Refusal(409, "EntityAlreadyExists", "%s is there already" % name)
                table[name] = form.get("AssumeRolePolicyDocument", "")
                return "<%s>%s</%s>" % (noun, self.identity(noun, name), noun)
            if action == "List%ss" % noun:
                return self.page(sorted(table), form, noun + "s", lambda n: self.identity(noun, n))
            if name and name not in table:
                raise Refusal(404, "NoSuchEntity", "there is no %s %s" % (noun.lower(), name))
            if action == "Delete" + noun:
                del table[name]
                return None
            policies = self.policies.setdefault((noun, name), {})
            if action == "Put%sPolicy" % noun:
                policies[form["PolicyName"]] = form["PolicyDocument"]
                return None
            if action == "Get%sPolicy" % noun:
                text = urllib.parse.quote(policies[form["PolicyName"]], safe="")
                return "<PolicyName>%s</PolicyName><PolicyDocument>%s</PolicyDocument>" % (form["PolicyName"], text)
            if action == "List%sPolicies" % noun:
                return self.page(sorted(policies), form, "PolicyNames", escape)
            if action == "Delete%sPolicy" % noun:
                del policies[form["PolicyName"]]
                return None
        raise Refusal(400, "InvalidAction", action)

    @staticmethod
    def identity(noun, name):
        return ("<{0}Name>{1}</{0}Name><Arn>arn:aws:iam::111122223333:{2}/{1}</Arn>"
                "<CreateDate>2026-11-22T20:00:00Z</CreateDate>").format(noun, escape(name), noun.lower())

    @staticmethod
    def page(names, form, element, show):
        start = int(form.get("Marker", "0"))
        more = start + 2 < len(names)
        return "<%s>%s</%s><IsTruncated>%s</IsTruncated>%s" % (
            element, "".join("<member>%s</member>" % show(n) for n in names[start:start + 2]), element,
            str(more).lower(), "<Marker>%d</Marker>" % (start + 2) if more else "")


class Objects:
    """Buckets with objects, no versions; lists two keys a page."""

    def __init__(self):
        self.buckets = {}

    def __call__(self, handler, headers, body):
        path, _, query = handler.path.partition("?")
        bucket, _, key = urllib.parse.unquote(path)[1:].partition("/")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if not bucket:
            return handler.answer(200, ("<ListAllMyBucketsResult><Buckets>%s</Buckets></ListAllMyBucketsResult>" % "".join(
                "<Bucket><Name>%s</Name><CreationDate>2026-11-22T20:00:00.000Z</CreationDate></Bucket>" % b
                for b in sorted(self.buckets))).encode())
        if not key and handler.command == "PUT":
            if bucket in self.buckets:
                raise Refusal(409, "BucketAlreadyOwnedByYou", "you have that bucket already")
            self.buckets[bucket] = {}
            return handler.answer(200)
        if bucket not in self.buckets:
            raise Refusal(404, "NoSuchBucket", "there is no such bucket")
        objects = self.buckets[bucket]
        if not key and handler.command == "DELETE":
            if objects:
                raise Refusal(409, "BucketNotEmpty", "the bucket holds objects")
            del self.buckets[bucket]
            return handler.answer(204)
        if not key:
            return handler.answer(200, self.listing(objects, query).encode())
        if handler.command == "PUT":
            objects[key] = (body, headers.get("content-type"))
            return handler.answer(200)
        if handler.command == "DELETE":
            objects.pop(key, None)
            return handler.answer(204)
        if key not in objects or query.get("versionId", "1") != "1":
            raise Refusal(404, "NoSuchKey" if key not in objects else "NoSuchVersion", "it is not there")
        return handler.answer(200, objects[key][0])

    @staticmethod
    def listing(objects, query):
        assert query["list-type"] == "2" and query["encoding-type"] == "url"
        keys = [k for k in sorted(objects) if k.startswith(query.get("prefix", ""))]
        start = int(query.get("continuation-token", "0"))
        more = start + 2 < len(keys)
        return "<ListBucketResult>%s%s</ListBucketResult>" % ("".join(
            "<Contents><Key>%s</Key><Size>%d</Size><LastModified>2026-11-22T20:00:00.000Z</LastModified><ETag>&quot;e&quot;"
            "</ETag></Contents>" % (urllib.parse.quote_plus(k, safe="/"), len(objects[k][0]))
            for k in keys[start:start + 2]), "<NextContinuationToken>%d</NextContinuationToken>" % (start + 2) if more else "")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self):
        server, body = self.server, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {n.lower(): v for n, v in self.headers.items()}
        if self.path == "/-/healthz":
            return self.answer(200, b"ok\n")
        service = "s3"
        try:
            try:
                service = check_signature(self.command, self.path, headers, body, server.token)
                assert headers["x-cloister-nonce"] not in server.nonces, "a nonce came twice"
                server.nonces.add(headers["x-cloister-nonce"])
            except AssertionError as broken:
                server.broken.append("%s %s: %s" % (self.command, self.path, broken))
                raise Refusal(400, "ValidationError", str(broken))
            server.requests.append((service, self.command, self.path, headers, body))
            if server.refusals:
                raise server.refusals.pop(0)
            self.dispatch(service, headers, body)
        except Refusal as r:
            self.refuse(service, r)

    def dispatch(self, service, headers, body):
        if service == "kms":
            assert headers["content-type"] == "application/x-amz-json-1.1"
            answer = self.server.memory.kms(headers["x-amz-target"].split(".")[1], json.loads(body))
            self.answer(200, b"" if answer is None else json.dumps(answer).encode())
        elif service in ("iam", "sts"):
            form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
            result = self.server.memory.query(service, form)
            action = form["Action"]
            inner = "" if result is None else "<%sResult>%s</%sResult>" % (action, result, action)
            self.answer(200, ("<%sResponse>%s<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></%sResponse>"
                              % (action, inner, action)).encode())
        else:
            self.server.s3(self, headers, body)

    def refuse(self, service, r):
        if service == "kms":
            text = json.dumps({"__type": r.code, "message": r.message})
        elif service == "s3":
            text = ("<Error><Code>%s</Code><Message>%s</Message><RequestId>req-1</RequestId></Error>"
                    % (r.code, escape(r.message)))
        else:
            text = ("<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error><RequestId>req-1</RequestId>"
                    "</ErrorResponse>" % (r.code, escape(r.message)))
        self.answer(r.status, text.encode())

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, directory):
        super().__init__(("127.0.0.1", 0), Handler)
        make_certificates(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(directory, "tls.pem"), os.path.join(directory, "tls.key"))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.memory, self.requests, self.nonces, self.broken, self.refusals = Memory(), [], set(), [], []
        self.token, self.s3 = None, Objects()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "https://127.0.0.1:%d" % self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # a client that ends in the middle is what some tests are about
